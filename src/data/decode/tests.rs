//! What becomes of files in the three formats, whole, damaged and hostile.

use std::io::Write;
use std::path::PathBuf;

use flate2::Compression;
use flate2::write::ZlibEncoder;
use image::RgbImage;
use lodepng::ColorType;

use super::*;
use crate::data::fixture::Folder;

#[path = "../../../tests/generated/huge_png.rs"]
mod huge_png;

const RGB: Form = Form { color: Color::Rgb, orientation: Orientation::Stored };
const GREY: Form = Form { color: Color::Grey, orientation: Orientation::Stored };

fn saved(folder: &Folder, name: &str, image: &RgbImage) -> PathBuf {
    let path = folder.root().join(name);
    image.save(&path).expect("a writable folder");
    path
}

fn png_file(
    folder: &Folder,
    name: &str,
    bytes: &[u8],
    size: (usize, usize),
    color: ColorType,
    bits: u32,
) -> PathBuf {
    let file = lodepng::encode_memory(bytes, size.0, size.1, color, bits).expect("an image");
    folder.write_raw(name, &file)
}

#[test]
fn every_depth_and_alpha_becomes_eight_bits_of_colour() {
    let folder = Folder::new();
    let deep = png_file(&folder, "deep.png", &[0, 0, 128, 128, 255, 255], (1, 1), ColorType::RGB, 16);
    let clear = png_file(&folder, "clear.png", &[10, 20, 30, 0], (1, 1), ColorType::RGBA, 8);
    let grey = png_file(&folder, "grey.png", &[77, 77], (1, 2), ColorType::GREY, 8);
    assert_eq!(decode(&deep, RGB).unwrap().bytes[..], [0, 128, 255]);
    assert_eq!(decode(&clear, RGB).unwrap().bytes[..], [10, 20, 30]);
    let decoded = decode(&grey, RGB).unwrap();
    assert_eq!((&decoded.bytes[..], decoded.shape.height), (&[77; 6][..], 2));
    assert_eq!(decode(&grey, GREY).unwrap().bytes[..], [77, 77]);
}

#[test]
fn the_three_formats_are_told_by_their_content() {
    let folder = Folder::new();
    let image = RgbImage::from_fn(16, 8, |x, y| image::Rgb([(x * 15) as u8, (y * 30) as u8, 128]));
    let paths = [
        png_file(&folder, "a.png", image.as_raw(), (16, 8), ColorType::RGB, 8),
        saved(&folder, "a.webp", &image),
        saved(&folder, "a.jpg", &image),
    ];
    for (path, tolerance) in paths.into_iter().zip([0, 0, 24]) {
        let renamed = folder.root().join("other.JPEG");
        fs::rename(&path, &renamed).unwrap();
        let decoded = decode(&renamed, RGB).unwrap();
        let far = decoded.bytes.iter().zip(image.as_raw()).map(|(one, other)| one.abs_diff(*other)).max();
        assert!(far <= Some(tolerance), "{}: {far:?}", path.display());
        assert_eq!(size(&renamed, RGB).unwrap(), Size { height: 8, width: 16 });
    }
}

#[test]
fn what_is_no_whole_image_names_its_path() {
    let folder = Folder::new();
    let jpeg = fs::read(saved(&folder, "a.jpg", &noise())).unwrap();
    let half = folder.write_raw("half.jpg", &jpeg[..jpeg.len() / 2]);
    let messages = [half, folder.write_raw("empty.png", b""), folder.write_raw("text.jpg", b"no image")]
        .map(|path| folder.message(decode(&path, RGB)));
    assert_eq!(
        messages,
        [
            "`DIR/half.jpg`: no readable image: the JPEG data are cut short",
            "`DIR/empty.png`: no readable image: the file is empty",
            "`DIR/text.jpg`: no readable image: expected JPEG, PNG or WebP, found something else",
        ]
    );
}

#[test]
fn a_huge_image_is_refused_by_its_header() {
    let folder = Folder::new();
    let path = png_file(&folder, "huge.png", &[0], (1, 1), ColorType::GREY, 8);
    huge_png::enlarge(&path);
    let expected = "`DIR/huge.png`: an image of 30000x30000 pixels: at most 67108864 are decoded";
    assert_eq!(folder.message(decode(&path, RGB)), expected);
    assert_eq!(folder.message(size(&path, RGB)), expected);
}

/// An image that no coder makes small.
fn noise() -> RgbImage {
    RgbImage::from_fn(64, 64, |x, y| image::Rgb([(x * y) as u8, (x ^ y) as u8, (x + y) as u8]))
}

/// The bytes of an image in the format of the ending.
fn coded(folder: &Folder, ending: &str, image: &RgbImage) -> Vec<u8> {
    fs::read(saved(folder, &format!("coded.{ending}"), image)).unwrap()
}

fn zlib(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = ZlibEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn chunk(name: &[u8; 4], data: &[u8]) -> Vec<u8> {
    let mut crc = flate2::Crc::new();
    crc.update(name);
    crc.update(data);
    [&(data.len() as u32).to_be_bytes()[..], name, data, &crc.sum().to_be_bytes()].concat()
}

/// A PNG of 18x20 pixels of 8-bit colour: these chunks between its header and its end.
fn png_of(chunks: &[Vec<u8>]) -> Vec<u8> {
    let header = chunk(b"IHDR", &[0, 0, 0, 18, 0, 0, 0, 20, 8, 2, 0, 0, 0]);
    [b"\x89PNG\r\n\x1a\n".to_vec(), header, chunks.concat(), chunk(b"IEND", &[])].concat()
}

/// As many bytes as its rows have.
const ROWS: usize = 20 * (1 + 18 * 3);

/// What `decode` says of a file, without the path.
fn refusal(folder: &Folder, bytes: &[u8]) -> String {
    let path = folder.write_raw("file", bytes);
    let message = match decode(&path, RGB) {
        Ok(image) => format!("an image of {}", image.shape),
        refused => folder.message(refused),
    };
    message.strip_prefix("`DIR/file`: no readable image: ").unwrap_or(&message).to_owned()
}

#[test]
fn bytes_behind_the_end_count_for_nothing() {
    let folder = Folder::new();
    // What random bytes hold: the markers of a scan and of an end, and a video's first part.
    let behind =
        [b"\0\0\0\x18ftypmp42".to_vec(), (0..=255).collect(), b"\xff\xda\xff\xd9\xff\xd8IDAT".to_vec()]
            .concat();
    for ending in ["jpg", "webp", "png"] {
        let bytes = match ending {
            "png" => png_of(&[chunk(b"IDAT", &zlib(&[0; ROWS]))]),
            _ => coded(&folder, ending, &noise()),
        };
        let alone = folder.write_raw("alone", &bytes);
        let expected = decode(&alone, RGB).unwrap();
        let followed =
            folder.write_raw("followed", &[bytes.clone(), behind.clone(), behind.clone()].concat());
        assert_eq!(decode(&followed, RGB).unwrap(), expected, "{ending}");
        assert_eq!(size(&followed, RGB).unwrap(), size(&alone, RGB).unwrap(), "{ending}");
    }
}

#[test]
fn a_file_that_is_cut_anywhere_is_cut_short() {
    let folder = Folder::new();
    let small = RgbImage::from_fn(18, 20, |x, y| image::Rgb([(x * 14) as u8, (y * 12) as u8, (x * y) as u8]));
    for ending in ["jpg", "webp", "png"] {
        let bytes = match ending {
            "png" => png_of(&[chunk(b"IDAT", &zlib(&[0; ROWS]))]),
            _ => coded(&folder, ending, &small),
        };
        for length in 33..bytes.len() {
            let path = folder.write_raw("cut", &bytes[..length]);
            let message = folder.message(decode(&path, RGB));
            assert!(message.ends_with("data are cut short"), "{ending}, {length} bytes: {message}");
            assert_eq!(folder.message(size(&path, RGB)), message, "{ending}, {length} bytes, by its header");
        }
    }
}

#[test]
fn markers_inside_segments_end_nothing() {
    let folder = Folder::new();
    let bytes = coded(&folder, "jpg", &noise());
    let thumbnail = coded(&folder, "jpg", &RgbImage::new(8, 8));
    let length = (thumbnail.len() as u16 + 2).to_be_bytes();
    // A whole JPEG in an APP1 segment, bytes that are no segment, and three ff before the next marker.
    let inside = [&[0xff, 0xe1][..], &length, &thumbnail, b"\0\x01\xff\0", &[0xff, 0xff]].concat();
    let with = [&bytes[..2], &inside, &bytes[2..]].concat();
    let expected = decode(&folder.write_raw("alone", &bytes), RGB).unwrap();
    assert_eq!(decode(&folder.write_raw("with", &with), RGB).unwrap(), expected);
    let cut = [&with[..with.len() - 2], b"\xff\xd0"].concat();
    assert_eq!(refusal(&folder, &cut), "the JPEG data are cut short");
}

#[test]
fn scans_of_fewer_bits_than_blocks_are_cut_short() {
    let folder = Folder::new();
    let bytes = coded(&folder, "jpg", &noise());
    let frame = bytes.windows(2).position(|pair| pair == [0xff, 0xc0]).unwrap();
    let mut vast = bytes.clone();
    vast[frame + 5..frame + 9].copy_from_slice(&[0x1f, 0x40, 0x1f, 0x40]);
    assert_eq!(refusal(&folder, &vast), "the JPEG data are cut short");
    vast[frame + 5..frame + 9].copy_from_slice(&[0xff, 0xff, 0xff, 0xff]);
    vast.splice(bytes.len() - 2..bytes.len() - 2, vec![0x11; 9_000_000]);
    let path = folder.write_raw("vast.jpg", &vast);
    let expected = "`DIR/vast.jpg`: an image of 65535x65535 pixels: at most 67108864 are decoded";
    assert_eq!([folder.message(decode(&path, RGB)), folder.message(size(&path, RGB))], [expected, expected]);
}

#[test]
fn damage_is_told_in_words_of_the_format() {
    let folder = Folder::new();
    let pixels = chunk(b"IDAT", &zlib(&[0; ROWS]));
    let mut changed = pixels.clone();
    *changed.last_mut().unwrap() ^= 255;
    let mut filter = vec![0; ROWS];
    filter[0] = 9;
    let palette = {
        let mut bytes = png_of(&[]);
        bytes[25] = 3;
        let header = chunk(b"IHDR", &bytes[16..29]);
        bytes.splice(8..33, header);
        let end = bytes.len() - 12;
        bytes.splice(end..end, chunk(b"IDAT", &zlib(&[0; 20 * 19])));
        bytes
    };
    let jpeg = coded(&folder, "jpg", &noise());
    let frame = jpeg.windows(2).position(|pair| pair == [0xff, 0xc0]).unwrap();
    let other_frame = |marker: u8, bits: u8| {
        let mut bytes = jpeg.clone();
        (bytes[frame + 1], bytes[frame + 4]) = (marker, bits);
        bytes
    };
    let mut webp = coded(&folder, "webp", &noise());
    // Behind the headers of the file, of its part and of the image.
    webp[25..].fill(0xff);
    let text = b"\x89PNG\n\x1a\n".to_vec();
    let damaged = |name: &str, how: &str| format!("the {name} data are damaged: {how}");
    let unread = |what: &str| format!("a JPEG image {what}, which is not read");
    let cases = [
        (png_of(&[changed]), damaged("PNG", "a checksum does not fit")),
        (png_of(&[chunk(b"IDAT", b"no zlib")]), damaged("PNG", "what was compressed cannot be read back")),
        (
            png_of(&[chunk(b"IDAT", &zlib(&[0; ROWS])[..9])]),
            damaged("PNG", "what was compressed cannot be read back"),
        ),
        (png_of(&[chunk(b"IDAT", &zlib(&[0; ROWS - 1]))]), damaged("PNG", "pixels are missing")),
        (
            png_of(&[chunk(b"IDAT", &zlib(&filter))]),
            damaged("PNG", "its header, palette or rows are not what PNG allows"),
        ),
        (palette, damaged("PNG", "its palette is missing")),
        (text, damaged("PNG", "its first bytes were changed, as by a transfer as text")),
        (
            png_of(&[chunk(b"ABCD", &[]), pixels]),
            "a PNG image with a part that no standard knows, which is not read".into(),
        ),
        (other_frame(0xc0, 12), unread("with more than 8 bits per value")),
        (other_frame(0xc3, 8), unread("without loss")),
        (other_frame(0xc9, 8), unread("with arithmetic coding")),
        (other_frame(0xc5, 8), unread("in several resolutions")),
        (b"\xff\xd8\xff\xd9".to_vec(), damaged("JPEG", "it holds no image")),
        (b"\xff\xd8\xff\xe0\0\x01".to_vec(), damaged("JPEG", "a segment is shorter than its own length")),
        (webp, damaged("WebP", "what was compressed cannot be read back")),
    ];
    for (bytes, expected) in cases {
        assert_eq!(refusal(&folder, &bytes), expected);
    }
}

#[test]
fn no_more_is_inflated_than_the_header_needs() {
    let folder = Folder::new();
    let zeros = zlib(&vec![0; 8 << 20]);
    let longer = "the PNG data are longer than 20x18 pixels can need";
    assert_eq!(refusal(&folder, &png_of(&[chunk(b"IDAT", &zeros)])), longer);
    assert_eq!(refusal(&folder, &png_of(&[chunk(b"IDAT", &zlib(&[0; ROWS + 1]))])), longer);
    // By the length of a part alone: its data are no zlib stream.
    let path = folder.write_raw("long.png", &png_of(&[chunk(b"IDAT", &vec![1; 300 << 10])]));
    assert_eq!(folder.message(size(&path, RGB)), format!("`DIR/long.png`: no readable image: {longer}"));
    // Text and profiles are not inflated: what they hold is not even zlib data.
    let pixels = chunk(b"IDAT", &zlib(&[0; ROWS]));
    let beside =
        [b"zTXt", b"iTXt", b"iCCP", b"tRNS", b"bKGD", b"tIME"].map(|name| chunk(name, b"a\0\0no zlib data"));
    let with = folder.write_raw("with.png", &png_of(&[beside.concat(), pixels]));
    assert_eq!(decode(&with, RGB).unwrap().bytes[..], [0; 18 * 20 * 3]);
}

#[test]
fn interlaced_images_need_as_much_as_their_passes() {
    let folder = Folder::new();
    for (width, height) in [(1, 1), (2, 3), (4, 5), (5, 4), (9, 17)] {
        for (kind, bits) in [(ColorType::GREY, 1), (ColorType::RGB, 8), (ColorType::RGBA, 16)] {
            let mut encoder = lodepng::Encoder::new();
            encoder.info_png_mut().interlace_method = 1;
            encoder.set_auto_convert(false);
            encoder.info_raw_mut().colortype = kind;
            encoder.info_raw_mut().set_bitdepth(bits);
            encoder.info_png_mut().color.colortype = kind;
            encoder.info_png_mut().color.set_bitdepth(bits);
            let depth = encoder.info_raw_mut().bpp() as usize;
            let raw = vec![0xff_u8; (width * height * depth).div_ceil(8)];
            let file = encoder.encode(&raw, width, height).unwrap();
            let decoded = decode(&folder.write_raw("laced.png", &file), RGB).unwrap();
            assert_eq!(decoded.bytes.len(), width * height * 3, "{width}x{height}, {kind:?}");
            assert!(decoded.bytes.iter().all(|byte| *byte == 255), "{width}x{height}, {kind:?}");
        }
    }
}

/// A WebP file of these parts.
fn webp_of(parts: &[(&[u8; 4], Vec<u8>)]) -> Vec<u8> {
    let part = |(name, data): &(&[u8; 4], Vec<u8>)| {
        let padding = &[0][..data.len() % 2];
        [&name[..], &(data.len() as u32).to_le_bytes(), data, padding].concat()
    };
    let body = [b"WEBP".to_vec(), parts.iter().map(part).collect::<Vec<_>>().concat()].concat();
    [b"RIFF", &(body.len() as u32).to_le_bytes()[..], &body].concat()
}

#[test]
fn parts_of_webp_are_of_one_size_and_bounded() {
    let folder = Folder::new();
    // Flags, and a canvas of 18x20.
    let canvas = (b"VP8X", vec![0, 0, 0, 0, 17, 0, 0, 19, 0, 0]);
    // A key frame of 16383x4095.
    let lossy = (b"VP8 ", b"\x10\0\0\x9d\x01\x2a\xff\x3f\xff\x0f\0\0".to_vec());
    let mut frame = vec![0, 0, 0, 0, 0, 0, 17, 0, 0, 19, 0, 0, 0, 0, 0, 0];
    frame.extend(&webp_of(std::slice::from_ref(&lossy))[12..]);
    let different = "the WebP data are damaged: its parts are of different sizes";
    assert_eq!(refusal(&folder, &webp_of(&[canvas.clone(), lossy])), different);
    assert_eq!(refusal(&folder, &webp_of(&[canvas.clone(), (b"ANMF", frame)])), different);
    let longer = "the WebP data are longer than 20x18 pixels can need";
    assert_eq!(refusal(&folder, &webp_of(&[canvas.clone(), (b"ALPH", vec![0; 40_000])])), longer);
    let lossless = [&[0x2f, 17, 0xc0, 4, 0][..], &[0; 40_000]].concat();
    assert_eq!(refusal(&folder, &webp_of(&[(b"VP8L", lossless)])), longer);
    let vast = (b"VP8X", vec![0, 0, 0, 0, 0xff, 0xff, 0, 0xff, 0xff, 0]);
    assert!(refusal(&folder, &webp_of(&[vast])).contains("an image of 65536x65536 pixels"));
    let mut short = webp_of(&[canvas]);
    short[16] = 200;
    assert_eq!(refusal(&folder, &short), "the WebP data are damaged: a part is longer than the file");
}

/// Orientation 6, by a camera that writes big-endian numbers.
const TURNED: &[u8] = b"MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0\x06\0\0\0\0\0\0";

#[test]
fn every_format_honours_the_orientation() {
    let folder = Folder::new();
    let mut rows = Vec::new();
    for row in 0..20u8 {
        rows.push(0);
        (0..18u8).for_each(|column| rows.extend([row * 10, column * 10, 0]));
    }
    let pixels = || chunk(b"IDAT", &zlib(&rows));
    let image = RgbImage::from_fn(18, 20, |x, y| image::Rgb([y as u8 * 10, x as u8 * 10, 0]));
    let named = [b"Exif\0\0", TURNED].concat();
    let jpeg = coded(&folder, "jpg", &image);
    let segment = [&[0xff, 0xe1][..], &(named.len() as u16 + 2).to_be_bytes(), &named].concat();
    let webp = coded(&folder, "webp", &image);
    let with_note = |note: &[u8]| {
        webp_of(&[
            (b"VP8X", vec![8, 0, 0, 0, 17, 0, 0, 19, 0, 0]),
            (b"VP8L", webp[20..].to_vec()),
            (b"EXIF", note.to_vec()),
        ])
    };
    let files = [
        ("PNG", png_of(&[chunk(b"eXIf", TURNED), pixels()])),
        ("PNG, behind the pixels", png_of(&[pixels(), chunk(b"eXIf", &named)])),
        ("JPEG", [&jpeg[..2], &segment, &jpeg[2..]].concat()),
        ("WebP", with_note(TURNED)),
        ("WebP, with a name", with_note(&named)),
    ];
    for (name, bytes) in files {
        let path = folder.write_raw("turned", &bytes);
        let stored = decode(&path, RGB).unwrap();
        let form = Form { orientation: Orientation::Exif, ..RGB };
        let turned = decode(&path, form).unwrap();
        assert_eq!((stored.shape.height, stored.shape.width), (20, 18), "{name}");
        assert_eq!((turned.shape.height, turned.shape.width), (18, 20), "{name}");
        assert_eq!(size(&path, form).unwrap(), Size { height: 18, width: 20 }, "{name}");
        // A quarter clockwise: the first pixel is the last of the first column.
        assert_eq!(turned.bytes[..3], stored.bytes[19 * 18 * 3..19 * 18 * 3 + 3], "{name}");
    }
}

#[test]
fn grey_is_pillows_in_every_format() {
    let folder = Folder::new();
    let blue = RgbImage::from_pixel(18, 20, image::Rgb([0, 0, 255]));
    let lossless = saved(&folder, "blue.webp", &blue);
    let png = png_file(&folder, "blue.png", blue.as_raw(), (18, 20), ColorType::RGB, 8);
    let jpeg = saved(&folder, "blue.jpg", &blue);
    for (path, tolerance) in [(lossless, 0), (png, 0), (jpeg, 1)] {
        let bytes = decode(&path, GREY).unwrap().bytes;
        assert!(bytes.iter().all(|byte| byte.abs_diff(29) <= tolerance), "{}", path.display());
    }
}

#[test]
fn other_formats_are_named() {
    let folder = Folder::new();
    assert_eq!(refusal(&folder, b"GIF89a"), "expected JPEG, PNG or WebP, found a GIF image");
    assert_eq!(refusal(&folder, b"BM\x46\0\0\0\0\0\0\0"), "expected JPEG, PNG or WebP, found a BMP image");
}
