//! Masking and headers: the pure functions of `sansocket::frame`.
use core_bench::{KEY, SIZES, ascii, frame};
use divan::{Bencher, black_box, counter::BytesCount};
use sansocket::frame::{Header, MAX_HEADER_LEN};

fn main() {
    divan::main();
}

#[divan::bench(args = SIZES)]
fn mask(bencher: Bencher<'_, '_>, size: usize) {
    let mut data = vec![b'a'; size];
    bencher.counter(BytesCount::new(size)).bench_local(|| { KEY }.apply(black_box(&mut data)));
}

#[divan::bench(args = SIZES)]
fn header_decode(bencher: Bencher<'_, '_>, size: usize) {
    let frame = frame(&ascii(size), Some(KEY));
    bencher.bench(|| Header::decode(black_box(&frame)));
}

#[divan::bench(args = SIZES)]
fn header_encode(bencher: Bencher<'_, '_>, size: usize) {
    use sansocket::frame::{Opcode, Rsv};
    let header =
        Header { fin: true, rsv: Rsv::NONE, opcode: Opcode::Text, mask: Some(KEY), len: size as u64 };
    let mut out = Vec::with_capacity(MAX_HEADER_LEN);
    bencher.bench_local(|| {
        out.clear();
        black_box(&header).encode(black_box(&mut out));
    });
}
