//! Properties of every kind.

use super::*;
use crate::data::corpus::Shape;

const COLOUR: Shape = Shape { height: 32, width: 32, channels: 3 };

/// A smooth image with edges, far from black and white.
fn image(shape: Shape, number: u64) -> Vec<u8> {
    let mut random = Generator::keyed(Purpose::Corruption, &[99, number]);
    let waves: Vec<f64> = (0..4 * shape.channels).map(|_| random.unit()).collect();
    let mut bytes = Vec::with_capacity(shape.values());
    for row in 0..shape.height {
        for column in 0..shape.width {
            for wave in waves.chunks(4) {
                let place = wave[0] * row as f64 + wave[1] * column as f64;
                let edge = if (row / 7 + column / 9) % 2 == 0 { 0.2 } else { 0.0 };
                bytes.push((255.0 * (0.3 + 0.2 * (0.4 * place + 6.0 * wave[2]).sin() + edge)) as u8);
            }
        }
    }
    bytes
}

fn distance(one: &[u8], other: &[u8]) -> f64 {
    let squares: f64 = one.iter().zip(other).map(|(&a, &b)| (f64::from(a) - f64::from(b)).powi(2)).sum();
    (squares / one.len() as f64).sqrt()
}

/// Mean distance of 12 images from themselves, corrupted.
fn mean_distance(kind: Corruption, severity: usize) -> f64 {
    let moved = |number: u32| {
        let clean = image(COLOUR, u64::from(number));
        distance(&clean, &kind.apply(severity, number, &clean, 255, COLOUR))
    };
    (0..12).map(moved).sum::<f64>() / 12.0
}

#[test]
fn every_kind_changes_the_image_more_with_severity() {
    // By their parameters some kinds do not rise at every severity: glass_blur trades blur for rounds, spatter water
    // for mud, saturate greys and then boosts, snow, frost and elastic_transform trade one number for another, and how
    // pixelate shifts an image depends on what sides its sizes have in common.
    let trades = [GlassBlur, Snow, Frost, ElasticTransform, Pixelate, Spatter, Saturate];
    for kind in Corruption::ALL {
        let distances: Vec<f64> = (1..=SEVERITIES).map(|severity| mean_distance(kind, severity)).collect();
        let moves = distances.iter().filter(|distance| **distance > 0.1).count();
        assert!(moves == SEVERITIES, "{}: {distances:?}", kind.name());
        let rises = distances.windows(2).all(|pair| pair[1] > pair[0]);
        assert!(rises || trades.contains(&kind), "{}: {distances:?}", kind.name());
    }
}

#[test]
fn what_comes_out_depends_on_kind_severity_and_index_alone() {
    let clean = image(COLOUR, 0);
    let random = [
        GaussianNoise,
        ShotNoise,
        ImpulseNoise,
        GlassBlur,
        MotionBlur,
        Snow,
        Frost,
        Fog,
        ElasticTransform,
        SpeckleNoise,
        Spatter,
    ];
    for kind in Corruption::ALL {
        let once = kind.apply(4, 7, &clean, 255, COLOUR);
        assert_eq!(once, kind.apply(4, 7, &clean, 255, COLOUR), "{}", kind.name());
        let elsewhere = kind.apply(4, 8, &clean, 255, COLOUR);
        assert_eq!(once != elsewhere, random.contains(&kind), "{}", kind.name());
    }
}

#[test]
fn images_of_any_size_and_of_one_channel() {
    let shapes = [(1, 1, 1), (1, 5, 3), (3, 2, 1), (8, 8, 1), (28, 28, 1), (17, 40, 3), (50, 9, 1)];
    for (height, width, channels) in shapes {
        let shape = Shape { height, width, channels };
        let clean = image(shape, 3);
        for kind in Corruption::ALL {
            for severity in 1..=SEVERITIES {
                let found = kind.apply(severity, 0, &clean, 255, shape);
                assert_eq!(found.len(), clean.len(), "{} on {shape}", kind.name());
            }
        }
    }
}

#[test]
fn black_and_white_images_stay_in_range_and_do_not_divide() {
    for level in [0u8, 255] {
        let clean = vec![level; COLOUR.values()];
        for kind in Corruption::ALL {
            let found = kind.apply(5, 0, &clean, 255, COLOUR);
            assert_eq!(found.len(), clean.len(), "{}", kind.name());
        }
        assert_eq!(Contrast.apply(5, 0, &clean, 255, COLOUR), clean);
        assert_eq!(DefocusBlur.apply(5, 0, &clean, 255, COLOUR), clean);
    }
}

/// Deviations of what was added to a grey image, far from the ends of the range.
fn deviation(kind: Corruption, severity: usize, level: u8) -> f64 {
    let clean = vec![level; COLOUR.values()];
    let moved: f64 = (0..20)
        .map(|index| distance(&clean, &kind.apply(severity, index, &clean, 255, COLOUR)).powi(2))
        .sum();
    (moved / 20.0).sqrt() / 255.0
}

#[test]
fn noise_has_its_deviation() {
    for (severity, sigma) in [(1, 0.04), (5, 0.10)] {
        let found = deviation(GaussianNoise, severity, 128);
        assert!((found / sigma - 1.0).abs() < 0.02, "{found} for {sigma}");
    }
    // Poisson(c x) / c has the variance x / c, speckle x² c².
    let x: f64 = 128.0 / 255.0;
    for (severity, c) in [(1, 500.0), (5, 50.0)] {
        let found = deviation(ShotNoise, severity, 128);
        assert!((found / (x / c).sqrt() - 1.0).abs() < 0.02, "{found} for {c}");
    }
    for (severity, c) in [(1, 0.06), (5, 0.2)] {
        let found = deviation(SpeckleNoise, severity, 128);
        assert!((found / (x * c) - 1.0).abs() < 0.02, "{found} for {c}");
    }
}

#[test]
fn impulses_hit_their_share_half_black_and_half_white() {
    for (severity, share) in [(1, 0.01), (3, 0.03), (5, 0.07)] {
        let clean = vec![128; COLOUR.values()];
        let all: Vec<u8> =
            (0..40).flat_map(|index| ImpulseNoise.apply(severity, index, &clean, 255, COLOUR)).collect();
        let count = |level: u8| all.iter().filter(|&&byte| byte == level).count() as f64 / all.len() as f64;
        for found in [count(0), count(255)] {
            assert!((found / (share / 2.0) - 1.0).abs() < 0.1, "{found} of {share}");
        }
        assert!((count(128) + share - 1.0).abs() < 0.01);
    }
}

#[test]
fn pixels_below_a_whole_level_are_cut_off() {
    // 16 levels, as the embedded digits have them: 8 / 16 is 127.5 of 255.
    let shape = Shape { height: 1, width: 1, channels: 1 };
    assert_eq!(Contrast.apply(1, 0, &[8], 16, shape), [127]);
    assert_eq!(Brightness.apply(1, 0, &[8], 16, shape), [140]);
}

#[test]
fn names_are_those_of_the_published_files_and_none_repeats() {
    let mut names = Corruption::ALL.map(Corruption::name).to_vec();
    assert_eq!((names[0], names[14], names[18]), ("gaussian_noise", "jpeg_compression", "saturate"));
    names.sort();
    names.dedup();
    assert_eq!(names.len(), 19);
}

#[test]
fn a_batch_is_made_of_its_samples() {
    let clean: Vec<u8> = (0..3).flat_map(|number| image(COLOUR, number)).collect();
    let corpus = Corpus::in_memory(clean, [4, 5, 6], COLOUR, 10, 255);
    let batch = corrupted(&corpus, Fog, 3, &[2, 0]).unwrap();
    assert_eq!((batch.indices.as_slice(), batch.labels.as_slice()), (&[2, 0][..], &[6, 4][..]));
    let alone = Fog.apply(3, 0, &corpus.raw(0).unwrap().bytes, 255, COLOUR);
    let pixels: Vec<f32> = alone.iter().map(|&byte| f32::from(byte) / 255.0).collect();
    assert_eq!(batch.pixels[COLOUR.values()..], pixels);
    assert!(corrupted(&corpus, Fog, 3, &[3]).is_err());
}

/// On black at severity 1 frost is a fifth of its ice.
#[test]
fn ice_has_the_colours_and_the_contrast_of_the_photographs() {
    let shape = Shape { height: 32, width: 32, channels: 3 };
    let crops: Vec<Vec<f64>> = (0..400)
        .map(|index| {
            let bytes = Frost.apply(1, index, &vec![0; shape.values()], 255, shape);
            bytes.iter().map(|&byte| (f64::from(byte) + 0.5) / 255.0 / 0.2).collect()
        })
        .collect();
    let mean = |values: &[f64]| values.iter().sum::<f64>() / values.len() as f64;
    for (channel, colour) in [0.564, 0.648, 0.695].into_iter().enumerate() {
        let found = mean(
            &crops.iter().flat_map(|crop| crop[channel..].iter().step_by(3).copied()).collect::<Vec<_>>(),
        );
        assert!((found - colour).abs() < 0.03, "channel {channel}: {found} for {colour}");
    }
    let contrast = |crop: &Vec<f64>| {
        let green: Vec<f64> = crop[1..].iter().step_by(3).copied().collect();
        let middle = mean(&green);
        (green.iter().map(|value| (value - middle).powi(2)).sum::<f64>() / green.len() as f64).sqrt()
    };
    let found = mean(&crops.iter().map(contrast).collect::<Vec<_>>());
    assert!((found - 0.087).abs() < 0.01, "{found}");
}
