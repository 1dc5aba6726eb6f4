use burn::tensor::{Distribution, Tensor};
use burn_flex::{Flex, FlexDevice};
use flatrun::ops::{Conv, Ops};
fn cpu() -> f64 { std::fs::read_to_string("/proc/self/schedstat").unwrap().split(' ').next().unwrap().parse::<f64>().unwrap() / 1e9 }
fn time(name: &str, gmac: f64, mut f: impl FnMut()) {
    for _ in 0..2 {
        f();
    }
    let mut t: Vec<f64> = (0..15)
        .map(|_| {
            let s = cpu();
            f();
            cpu() - s
        })
        .collect();
    t.sort_by(f64::total_cmp);
    println!("{name:28} {:7.2} ms  {:6.1} GFLOP/s (nominal)", t[2] * 1e3, 2.0 * gmac / t[2]);
}
fn main() {
    let d = FlexDevice;
    for (name, n, h, cin, cout, k, stride, padding) in [
        ("conv1", 128, 28, 1, 64, 8, 2, 3),
        ("conv2", 128, 14, 64, 128, 6, 2, 3),
        ("conv3", 128, 8, 128, 128, 5, 1, 0),
        ("r18 s2 64-128", 32, 32, 64, 128, 3, 2, 1),
        ("r18 1x1 s2", 32, 32, 64, 128, 1, 2, 0),
        ("p20 16-16", 64, 32, 16, 16, 3, 1, 1),
    ] {
        let conv = Conv { stride, padding };
        let o = conv.output(h, k).unwrap();
        let x = Tensor::<Flex, 4>::random([n, h, h, cin], Distribution::Default, &d);
        let w = Tensor::<Flex, 4>::random([cout, cin, k, k], Distribution::Default, &d);
        let g = Tensor::<Flex, 4>::random([n, o, o, cout], Distribution::Default, &d);
        let gmac = (n * o * o * cout * cin * k * k) as f64 / 1e9;
        time(&format!("{name} forward"), gmac, || {
            std::hint::black_box(Flex::convolve(x.clone(), w.clone(), None, conv));
        });
        time(&format!("{name} input grad"), gmac, || {
            std::hint::black_box(Flex::convolve_input_grad(g.clone(), w.clone(), conv, [h, h]));
        });
        time(&format!("{name} weight grad"), gmac, || {
            std::hint::black_box(Flex::convolve_weight_grad(x.clone(), g.clone(), conv, k));
        });
    }
}
