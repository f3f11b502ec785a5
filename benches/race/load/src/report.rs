//! The line of JSON that a command ends with.
use crate::{
    args::Args,
    server::{Cpu, Server},
};
use std::{fmt::Write, io, time::Instant};

#[derive(Default)]
pub struct Report {
    fields: String,
}

impl Report {
    /// What is not a number becomes `null`.
    pub fn number(mut self, name: &str, value: impl Into<Option<f64>>) -> Self {
        let value = value.into().filter(|value| value.is_finite()).map(|value| format!("{value:.4}"));
        write!(self.fields, "\"{name}\": {}, ", value.as_deref().unwrap_or("null")).unwrap();
        self
    }

    /// Left out where there is none.
    pub fn text(mut self, name: &str, value: &str) -> Self {
        if !value.is_empty() {
            write!(self.fields, "\"{name}\": {value:?}, ").unwrap();
        }
        self
    }

    pub fn print(self) {
        println!("{{{}}}", self.fields.trim_end_matches(", "));
    }
}

/// A stretch of time, and what it costs the server and this process.
pub struct Stretch {
    begun: Instant,
    mine: Cpu,
    servers: Option<Cpu>,
}

impl Stretch {
    pub fn begin(args: &Args) -> io::Result<Self> {
        let servers = args.server.map(Server::cpu).transpose()?;
        Ok(Self { begun: Instant::now(), mine: Server::me().cpu()?, servers })
    }

    /// Ends after that many messages, or whatever else is counted.
    pub fn end(self, args: &Args, count: u64) -> io::Result<Report> {
        let (wall, count) = (self.begun.elapsed().as_secs_f64(), count as f64);
        let mine = Server::me().cpu()?.since(self.mine);
        let report = Report::default()
            .number("per_s", count / wall)
            .number("client_us", mine.total * 1e6 / count)
            .number("client_cpu", mine.total / wall);
        let (Some(server), Some(before)) = (args.server, self.servers) else { return Ok(report) };
        let cpu = server.cpu()?.since(before);
        Ok(report
            .number("server_us", cpu.total * 1e6 / count)
            .number("user_us", cpu.total * cpu.user_share() * 1e6 / count)
            .number("system_us", cpu.total * (1.0 - cpu.user_share()) * 1e6 / count)
            .number("server_cpu", cpu.total / wall)
            .number("server_kib", server.memory()? as f64 / 1024.0))
    }
}
