//! CPU time and memory of a process, the server or this one.
use rustix::param::clock_ticks_per_second;
use std::{fs, io};

#[derive(Clone, Copy)]
pub struct Server {
    pub pid: u32,
}

/// Seconds of CPU time of all threads, those that have ended included.
#[derive(Clone, Copy)]
pub struct Cpu {
    pub total: f64,
    /// Told by the kernel in hundredths of a second, so of use only as a share.
    user: f64,
    system: f64,
}

impl Server {
    pub fn me() -> Self {
        Self { pid: std::process::id() }
    }

    pub fn cpu(self) -> io::Result<Cpu> {
        let stat = fs::read_to_string(format!("/proc/{}/stat", self.pid))?;
        // The name may hold blanks: fields are counted from its closing bracket.
        let fields = stat.rsplit_once(')').map_or("", |(_, fields)| fields);
        let mut ticks = fields.split_ascii_whitespace().skip(11).map_while(|field| field.parse::<f64>().ok());
        let mut seconds = || ticks.next().unwrap_or(0.0) / clock_ticks_per_second() as f64;
        Ok(Cpu { total: self.clock()?, user: seconds(), system: seconds() })
    }

    /// The clock of the process, which counts nanoseconds.
    fn clock(self) -> io::Result<f64> {
        let mut clock = 0;
        // SAFETY: it writes nothing but `clock`.
        let error = unsafe { libc::clock_getcpuclockid(self.pid as libc::pid_t, &mut clock) };
        if error != 0 {
            return Err(io::Error::from_raw_os_error(error));
        }
        let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
        // SAFETY: it writes nothing but `time`.
        if unsafe { libc::clock_gettime(clock, &mut time) } != 0 {
            return Err(io::Error::last_os_error());
        }
        Ok(time.tv_sec as f64 + time.tv_nsec as f64 / 1e9)
    }

    /// Bytes of memory that the process has in use.
    pub fn memory(self) -> io::Result<u64> {
        let status = fs::read_to_string(format!("/proc/{}/status", self.pid))?;
        let kib = status
            .lines()
            .find_map(|line| line.strip_prefix("VmRSS:")?.trim().split(' ').next()?.parse().ok());
        kib.map(|kib: u64| kib * 1024).ok_or(io::Error::other("the server has ended"))
    }
}

impl Cpu {
    pub fn since(self, earlier: Self) -> Self {
        Self {
            total: self.total - earlier.total,
            user: self.user - earlier.user,
            system: self.system - earlier.system,
        }
    }

    /// The share of the time that was the process's own, not the kernel's.
    pub fn user_share(self) -> f64 {
        self.user / (self.user + self.system)
    }
}
