//! The codecs against the codings' own tools: what those make is decoded here, and the other way round.

use std::io::{Read, Write};

use bytes::Bytes;
use flate2::Compression;
use proptest::prelude::*;

use super::{
    Coding,
    decode::{DecodeError, Decoder, PIECE},
    encode::Encoder,
};

const ALL: [Coding; 4] = [Coding::Gzip, Coding::Brotli, Coding::Zstd, Coding::Deflate];

/// A page that is small enough to be cut everywhere.
fn page() -> Vec<u8> {
    let mut page = b"<!doctype html><title>Example News</title><body>".to_vec();
    for number in 0..40_u32 {
        let text = number.wrapping_mul(2_654_435_761);
        write!(page, "<p id=p{number}>It is {text} o'clock.</p>").unwrap();
    }
    page
}

/// Encodes with the tools of the coding, not ours.
fn encode_elsewhere(coding: Coding, page: &[u8]) -> Vec<u8> {
    match coding {
        Coding::Gzip => {
            let mut encoder = flate2::GzBuilder::new()
                .filename("page.html")
                .comment("a page")
                .extra(b"xy".to_vec())
                .write(Vec::new(), Compression::best());
            encoder.write_all(page).unwrap();
            encoder.finish().unwrap()
        }
        Coding::Brotli => {
            let mut encoder = brotli::CompressorWriter::new(Vec::new(), 4096, 5, 22);
            encoder.write_all(page).unwrap();
            encoder.into_inner()
        }
        Coding::Zstd => {
            let mut encoder = zstd::Encoder::new(Vec::new(), 3).unwrap();
            encoder.include_checksum(true).unwrap();
            encoder.write_all(page).unwrap();
            encoder.finish().unwrap()
        }
        Coding::Deflate => {
            let mut encoder = flate2::write::ZlibEncoder::new(Vec::new(), Compression::best());
            encoder.write_all(page).unwrap();
            encoder.finish().unwrap()
        }
    }
}

fn encode_raw_deflate(page: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::DeflateEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(page).unwrap();
    encoder.finish().unwrap()
}

/// Decodes with the tools of the coding as far as it goes, and tells whether the end was reached.
fn decode_elsewhere(coding: Coding, body: &[u8]) -> (Vec<u8>, bool) {
    let mut reader: Box<dyn Read + '_> = match coding {
        Coding::Gzip => Box::new(flate2::read::GzDecoder::new(body)),
        Coding::Brotli => Box::new(brotli::Decompressor::new(body, 4096)),
        Coding::Zstd => Box::new(zstd::Decoder::new(body).unwrap()),
        Coding::Deflate => Box::new(flate2::read::ZlibDecoder::new(body)),
    };
    let mut page = Vec::new();
    let mut buffer = [0; 4096];
    loop {
        match reader.read(&mut buffer) {
            Ok(0) => return (page, true),
            Ok(read) => page.extend_from_slice(&buffer[..read]),
            Err(_) => return (page, false),
        }
    }
}

/// Pulls all that there is, into `page`.
fn drain(decoder: &mut Decoder, page: &mut Vec<u8>) -> Result<(), DecodeError> {
    while let Some(piece) = decoder.pull()? {
        assert!(!piece.is_empty() && piece.len() <= PIECE);
        page.extend_from_slice(&piece);
    }
    Ok(())
}

/// Decodes a body that comes in `chunks`; what came out before an error is in `page`.
fn decode_into<'a>(
    coding: Coding,
    chunks: impl IntoIterator<Item = &'a [u8]>,
    page: &mut Vec<u8>,
) -> Result<(), DecodeError> {
    let mut decoder = Decoder::new(coding);
    for chunk in chunks {
        decoder.feed(Bytes::copy_from_slice(chunk));
        drain(&mut decoder, page)?;
    }
    decoder.end();
    drain(&mut decoder, page)
}

fn decode<'a>(
    coding: Coding,
    chunks: impl IntoIterator<Item = &'a [u8]>,
) -> Result<Vec<u8>, DecodeError> {
    let mut page = Vec::new();
    decode_into(coding, chunks, &mut page).map(|()| page)
}

/// Encodes a page that comes in `chunks`, flushing after each or not.
fn encode<'a>(
    coding: Coding,
    chunks: impl IntoIterator<Item = &'a [u8]>,
    is_flushed: bool,
) -> Vec<u8> {
    let mut encoder = Encoder::new(coding);
    let mut body = Vec::new();
    for chunk in chunks {
        body.extend_from_slice(&encoder.push(chunk).unwrap());
        if is_flushed {
            body.extend_from_slice(&encoder.flush().unwrap());
        }
    }
    body.extend_from_slice(&encoder.finish().unwrap());
    body
}

fn assert_message(error: &DecodeError, message: &str) {
    let text = error.to_string();
    assert!(text.contains(message), "{text:?} does not say {message:?}");
}

#[test]
fn decodes_bodies_cut_anywhere() {
    let page = page();
    let mut bodies: Vec<_> =
        ALL.iter().map(|&coding| (coding, encode_elsewhere(coding, &page))).collect();
    bodies.push((Coding::Deflate, encode_raw_deflate(&page)));
    for (coding, body) in bodies {
        for cut in 0..=body.len() {
            let (start, end) = body.split_at(cut);
            assert_eq!(decode(coding, [start, end]).unwrap(), page, "{coding} {cut}");
        }
        assert_eq!(decode(coding, body.chunks(1)).unwrap(), page, "{coding}");
    }
}

#[test]
fn encodes_pages_cut_anywhere() {
    let page = page();
    for coding in ALL {
        for cut in 0..=page.len() {
            let (start, end) = page.split_at(cut);
            let body = encode(coding, [start, end], false);
            assert_eq!(decode_elsewhere(coding, &body), (page.clone(), true));
        }
        for is_flushed in [false, true] {
            let body = encode(coding, page.chunks(1), is_flushed);
            assert_eq!(decode_elsewhere(coding, &body), (page.clone(), true));
            assert_eq!(decode(coding, [&body[..]]).unwrap(), page);
        }
    }
}

#[test]
fn the_same_page_gives_the_same_bytes() {
    let page = page();
    for coding in ALL {
        let body = encode(coding, [&page[..]], false);
        assert_eq!(encode(coding, [&page[..]], false), body);
        assert!(body.len() * 2 < page.len(), "{coding} {}", body.len());
    }
}

/// What has been flushed is all there for the visitor, and for our own decoder, without the end of the body.
#[test]
fn flush_gets_everything_out() {
    // Lengths around the sizes of pieces and blocks.
    let lengths = [1, 2, 100, PIECE - 1, PIECE, PIECE + 1, 3 * PIECE, 128 * 1024, 200_000];
    for coding in ALL {
        let mut encoder = Encoder::new(coding);
        let mut decoder = Decoder::new(coding);
        let (mut sent, mut body, mut seen) = (Vec::new(), Vec::new(), Vec::new());
        for (round, length) in lengths.into_iter().enumerate() {
            let chunk = match round % 3 {
                0 => vec![b'a'; length],
                1 => page().into_iter().cycle().take(length).collect(),
                _ => noise(length),
            };
            sent.extend_from_slice(&chunk);
            let mut out = encoder.push(&chunk).unwrap().to_vec();
            out.extend_from_slice(&encoder.flush().unwrap());
            assert!(!out.is_empty());
            assert_eq!(encoder.flush().unwrap(), "", "{coding}: flushed already");

            body.extend_from_slice(&out);
            let (decoded, _) = decode_elsewhere(coding, &body);
            assert!(decoded == sent, "{coding} {length}: not all can be decoded");

            decoder.feed(out.into());
            drain(&mut decoder, &mut seen).unwrap();
            assert!(seen == sent, "{coding} {length}: not all came out");
        }
        body.extend_from_slice(&encoder.finish().unwrap());
        assert!(decode_elsewhere(coding, &body) == (sent, true), "{coding}");
    }
}

#[test]
fn an_empty_page_is_a_whole_body() {
    for coding in ALL {
        let body = encode(coding, [], false);
        assert_eq!(decode_elsewhere(coding, &body), (Vec::new(), true));
        assert_eq!(decode(coding, [&body[..]]).unwrap(), b"");
        assert_eq!(decode(coding, body.chunks(1)).unwrap(), b"");
        assert_eq!(encode(coding, [&b""[..]], true), body);

        let elsewhere = encode_elsewhere(coding, b"");
        assert_eq!(decode(coding, [&elsewhere[..]]).unwrap(), b"");
    }
    assert_eq!(decode(Coding::Deflate, [&encode_raw_deflate(b"")[..]]).unwrap(), b"");
}

#[test]
fn no_byte_at_all_is_an_empty_page() {
    for coding in ALL {
        assert_eq!(decode(coding, []).unwrap(), b"");
        assert_eq!(decode(coding, [&b""[..], b""]).unwrap(), b"");
    }
}

#[test]
fn bombs_come_out_piece_by_piece() {
    const SIZE: usize = 100 * 1024 * 1024;
    let zeros = [0; PIECE];
    for coding in ALL {
        let bomb = {
            let mut encoder = Encoder::new(coding);
            let mut bomb = Vec::new();
            for _ in 0..SIZE / zeros.len() {
                bomb.extend_from_slice(&encoder.push(&zeros).unwrap());
            }
            bomb.extend_from_slice(&encoder.finish().unwrap());
            bomb
        };
        assert!(bomb.len() < SIZE / 500, "{coding} {}", bomb.len());

        let mut decoder = Decoder::new(coding);
        // All but the last byte: the first piece can't have waited for it.
        let (most, last) = bomb.split_at(bomb.len() - 1);
        decoder.feed(Bytes::copy_from_slice(most));
        let first = decoder.pull().unwrap().unwrap();
        assert_eq!(first.len(), PIECE);
        assert!(decoder.unused_input() > 0, "{coding}: unpacked too early");

        let mut size = first.len();
        let mut count = |decoder: &mut Decoder| {
            while let Some(piece) = decoder.pull().unwrap() {
                assert!(piece == zeros[..piece.len()]);
                size += piece.len();
            }
            size
        };
        count(&mut decoder);
        decoder.feed(Bytes::copy_from_slice(last));
        decoder.end();
        assert_eq!(count(&mut decoder), SIZE, "{coding}");
    }
}

#[test]
fn a_body_cut_short_is_an_error() {
    let page = page();
    for coding in ALL {
        let body = encode_elsewhere(coding, &page);
        for end in 1..body.len() {
            let mut seen = Vec::new();
            let error = decode_into(coding, [&body[..end]], &mut seen).unwrap_err();
            assert_message(&error, "is cut short");
            assert!(page.starts_with(&seen), "{coding} {end}");
        }
    }
    let body = encode_raw_deflate(&page);
    for end in 1..body.len() {
        let error = decode(Coding::Deflate, [&body[..end]]).unwrap_err();
        assert_message(&error, "is cut short");
    }
}

/// Codings with a checksum never give a wrong page and call it right. `br` has none, so there it must only end.
#[test]
fn a_corrupt_body_never_passes_as_whole() {
    let page = page();
    for coding in ALL {
        let body = encode_elsewhere(coding, &page);
        let mut found = 0;
        for index in 0..body.len() {
            for mask in [0x01, 0x10, 0x80, 0xff] {
                let mut body = body.clone();
                body[index] ^= mask;
                match decode(coding, [&body[..]]) {
                    Ok(decoded) if coding != Coding::Brotli => assert_eq!(decoded, page),
                    Ok(_) => {}
                    Err(_) => found += 1,
                }
            }
        }
        assert!(found > body.len(), "{coding} {found} of {}", body.len() * 4);
    }
}

#[test]
fn what_follows_the_end_is_an_error() {
    let page = page();
    let mut bodies: Vec<_> =
        ALL.iter().map(|&coding| (coding, encode_elsewhere(coding, &page))).collect();
    bodies.push((Coding::Deflate, encode_raw_deflate(&page)));
    for (coding, body) in bodies {
        for tail in [&b"\0"[..], b"<script src=//evil></script>"] {
            let mut longer = body.clone();
            longer.extend_from_slice(tail);
            for cut in 0..longer.len() {
                let mut seen = Vec::new();
                let (start, end) = longer.split_at(cut);
                let error = decode_into(coding, [start, end], &mut seen).unwrap_err();
                assert_eq!(seen, page, "{coding} {cut}");
                if coding != Coding::Zstd && tail.len() > 1 {
                    assert_message(&error, "after its");
                }
            }
        }
    }
}

#[test]
fn an_error_stays() {
    let mut decoder = Decoder::new(Coding::Gzip);
    decoder.feed(Bytes::from_static(b"<html>"));
    let error = decoder.pull().unwrap_err();
    assert_message(&error, "does not start as gzip");
    decoder.feed(encode_elsewhere(Coding::Gzip, b"page").into());
    decoder.end();
    assert_eq!(decoder.pull(), Err(error));
}

#[test]
fn gzip_members_and_zstd_frames_follow_each_other() {
    let page = page();
    let (first, second) = page.split_at(page.len() / 3);
    for coding in [Coding::Gzip, Coding::Zstd] {
        let mut body = encode_elsewhere(coding, first);
        let boundary = body.len();
        body.extend_from_slice(&encode_elsewhere(coding, b""));
        if coding == Coding::Zstd {
            body.extend_from_slice(b"\x50\x2a\x4d\x18\x03\0\0\0abc"); // a skippable frame
        }
        body.extend_from_slice(&encode_elsewhere(coding, second));
        for cut in 0..=body.len() {
            let (start, end) = body.split_at(cut);
            assert_eq!(decode(coding, [start, end]).unwrap(), page);
        }
        assert_eq!(decode(coding, body.chunks(1)).unwrap(), page);
        assert_eq!(decode(coding, [&body[..boundary]]).unwrap(), first);
        assert!(decode(coding, [&body[..=boundary]]).is_err());
    }
}

#[test]
fn the_checksum_of_gzip_is_checked() {
    for back in 1..=8 {
        let mut body = encode_elsewhere(Coding::Gzip, &page());
        let index = body.len() - back;
        body[index] ^= 1;
        let error = decode(Coding::Gzip, [&body[..]]).unwrap_err();
        assert_message(&error, "checksum or length differs");
    }
}

#[test]
fn a_zlib_body_that_needs_a_dictionary_is_an_error() {
    let error = decode(Coding::Deflate, [&b"\x78\xbb\x01\x02\x03\x04\x00"[..]]).unwrap_err();
    assert_message(&error, "not valid deflate");
}

#[test]
fn windows_larger_than_allowed_are_refused() {
    let page = page();
    for (window_log, is_fine) in [(23, true), (24, false), (27, false)] {
        let mut encoder = zstd::Encoder::new(Vec::new(), 3).unwrap();
        encoder.window_log(window_log).unwrap();
        encoder.write_all(&page).unwrap();
        // Only while the length isn't known does the frame carry its window.
        encoder.flush().unwrap();
        let body = encoder.finish().unwrap();
        let decoded = decode(Coding::Zstd, [&body[..]]);
        assert_eq!(decoded.is_ok(), is_fine, "{window_log}");
    }

    for (is_large, window_log) in [(false, 24), (true, 28)] {
        let params = brotli::enc::BrotliEncoderParams {
            large_window: is_large,
            lgwin: window_log,
            ..Default::default()
        };
        let mut body = Vec::new();
        brotli::BrotliCompress(&mut &page[..], &mut body, &params).unwrap();
        let decoded = decode(Coding::Brotli, [&body[..]]);
        assert_eq!(decoded.is_ok(), !is_large, "{window_log}");
    }
}

#[test]
fn both_can_cross_threads() {
    fn is_send_and_sync<T: Send + Sync + 'static>() {}
    is_send_and_sync::<Decoder>();
    is_send_and_sync::<Encoder>();
}

/// Bytes that don't compress.
fn noise(length: usize) -> Vec<u8> {
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let step = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state as u8
    };
    std::iter::repeat_with(step).take(length).collect()
}

fn any_coding() -> impl Strategy<Value = Coding> {
    prop::sample::select(ALL.to_vec())
}

/// Pages of runs, text and noise, up to some hundred KiB.
fn any_page() -> impl Strategy<Value = Vec<u8>> {
    let part = prop_oneof![
        (any::<u8>(), 0..100_000_usize).prop_map(|(byte, length)| vec![byte; length]),
        (0..20_000_usize).prop_map(|length| page().into_iter().cycle().take(length).collect()),
        (0..50_000_usize).prop_map(noise),
        prop::collection::vec(any::<u8>(), 0..300),
    ];
    prop::collection::vec(part, 0..6).prop_map(|parts| parts.concat())
}

/// Cuts `bytes` into chunks of these lengths, over and over.
fn cut<'a>(mut bytes: &'a [u8], lengths: &[usize]) -> Vec<&'a [u8]> {
    let mut chunks = Vec::new();
    for &length in lengths.iter().cycle() {
        if bytes.is_empty() {
            break;
        }
        let (chunk, rest) = bytes.split_at(length.clamp(1, bytes.len()));
        chunks.push(chunk);
        bytes = rest;
    }
    chunks
}

fn any_lengths() -> impl Strategy<Value = Vec<usize>> {
    prop::collection::vec(prop_oneof![1..50_usize, 1..5_000_usize, 1..70_000_usize], 1..8)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn any_page_comes_back(
        coding in any_coding(),
        page in any_page(),
        page_lengths in any_lengths(),
        body_lengths in any_lengths(),
        is_flushed in any::<bool>(),
    ) {
        let body = encode(coding, cut(&page, &page_lengths), is_flushed);
        prop_assert!(decode_elsewhere(coding, &body) == (page.clone(), true));
        prop_assert!(decode(coding, cut(&body, &body_lengths)).unwrap() == page);

        let elsewhere = encode_elsewhere(coding, &page);
        prop_assert!(decode(coding, cut(&elsewhere, &body_lengths)).unwrap() == page);
        let short = &elsewhere[..elsewhere.len() - 1];
        // An empty page in `br` is one byte, and without it an empty body.
        let is_whole = short.is_empty();
        prop_assert_eq!(decode(coding, cut(short, &body_lengths)).is_ok(), is_whole);
    }

    #[test]
    fn garbage_ends_in_an_error_or_a_page(
        coding in any_coding(),
        start in 0..40_usize,
        garbage in prop::collection::vec(any::<u8>(), 0..2_000),
        lengths in any_lengths(),
    ) {
        let mut body = encode_elsewhere(coding, &page());
        body.truncate(start);
        body.extend_from_slice(&garbage);
        let _ = decode(coding, cut(&body, &lengths));
    }
}
