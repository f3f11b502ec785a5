//! What the machine allows: a loop written by hand for nothing but whole, valid text frames.

/// XORs `data` with the repeated `key`, and returns the bitwise or of the result: a cheap test for ASCII.
#[inline(always)]
fn mask_or(data: &mut [u8], key: [u8; 4]) -> u64 {
    let short = u32::from_ne_bytes(key);
    let word = u64::from(short) << 32 | u64::from(short);
    let mut or = 0;
    let (words, tail) = data.as_chunks_mut::<8>();
    for eight in words {
        let plain = u64::from_ne_bytes(*eight) ^ word;
        or |= plain;
        *eight = plain.to_ne_bytes();
    }
    let (words, tail) = tail.as_chunks_mut::<4>();
    for four in words {
        let plain = u32::from_ne_bytes(*four) ^ short;
        or |= u64::from(plain);
        *four = plain.to_ne_bytes();
    }
    for (byte, key) in tail.iter_mut().zip(key) {
        *byte ^= key;
        or |= u64::from(*byte);
    }
    or
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2")]
fn mask_or_avx2(data: &mut [u8], key: [u8; 4]) -> u64 {
    mask_or(data, key)
}

#[inline]
fn mask_or_best(data: &mut [u8], key: [u8; 4]) -> u64 {
    #[cfg(target_arch = "x86_64")]
    if data.len() >= 256 && std::is_x86_feature_detected!("avx2") {
        // SAFETY: the processor has just been found to have AVX2.
        return unsafe { mask_or_avx2(data, key) };
    }
    mask_or(data, key)
}

/// XORs `data` with the repeated `key`.
#[inline]
pub fn mask(data: &mut [u8], key: [u8; 4]) {
    mask_or_best(data, key);
}

/// The same, and whether the result is UTF-8.
#[inline]
pub fn unmask_text(data: &mut [u8], key: [u8; 4]) -> bool {
    mask_or_best(data, key) & 0x8080_8080_8080_8080 == 0 || simdutf8::basic::from_utf8(data).is_ok()
}

/// The masked frame at the start of `bytes`: first byte, length of the header and of the payload, key.
#[inline]
pub fn header(bytes: &[u8]) -> Option<(u8, usize, usize, [u8; 4])> {
    let (&first, &second) = (bytes.first()?, bytes.get(1)?);
    let (size, len) = match second & 0x7F {
        126 => (4, usize::from(u16::from_be_bytes(bytes.get(2..4)?.try_into().ok()?))),
        127 => (10, u64::from_be_bytes(bytes.get(2..10)?.try_into().ok()?) as usize),
        len => (2, usize::from(len)),
    };
    let key = bytes.get(size..size + 4)?.try_into().ok()?;
    Some((first, size + 4, len, key))
}

/// Appends the header of a frame without a mask.
#[inline]
pub fn put_header(out: &mut Vec<u8>, first: u8, len: usize) {
    match len {
        0..=125 => out.extend_from_slice(&[first, len as u8]),
        126..=0xFFFF => {
            let [high, low] = (len as u16).to_be_bytes();
            out.extend_from_slice(&[first, 126, high, low]);
        }
        _ => {
            out.extend_from_slice(&[first, 127]);
            out.extend_from_slice(&(len as u64).to_be_bytes());
        }
    }
}
