//! Vectors of the widest instruction set this machine has, chosen once at run time.

use std::sync::OnceLock;

use pulp::{Arch, Simd, WithSimd};

/// Channels of one block of a packed activation: a cache line.
pub const BLOCK: usize = 16;

/// Most channels of a register tile: two of the widest vectors.
pub const WIDEST: usize = 2 * BLOCK;

/// Runs `op` compiled for this machine's instruction set.
pub fn dispatch<Op: WithSimd>(op: Op) -> Op::Output {
    static ARCH: OnceLock<Arch> = OnceLock::new();
    ARCH.get_or_init(Arch::new).dispatch(op)
}

/// Values per vector.
pub fn width() -> usize {
    struct Width;
    impl WithSimd for Width {
        type Output = usize;
        #[inline(always)]
        fn with_simd<S: Simd>(self, _: S) -> usize {
            S::F32_LANES
        }
    }
    dispatch(Width)
}

/// Reads one vector.
///
/// # Safety
/// `S::F32_LANES` values can be read from `at`.
#[inline(always)]
pub unsafe fn load<S: Simd>(at: *const f32) -> S::f32s {
    // SAFETY: the caller's promise; vectors are plain data.
    unsafe { at.cast::<S::f32s>().read_unaligned() }
}

/// Writes one vector.
///
/// # Safety
/// `S::F32_LANES` values can be written to `at`.
#[inline(always)]
pub unsafe fn store<S: Simd>(at: *mut f32, value: S::f32s) {
    // SAFETY: the caller's promise; vectors are plain data.
    unsafe { at.cast::<S::f32s>().write_unaligned(value) }
}

/// Writes the first `count` values of a vector.
///
/// # Safety
/// `count` values can be written to `at`, and `count <= S::F32_LANES`.
#[inline(always)]
pub unsafe fn store_some<S: Simd>(at: *mut f32, value: S::f32s, count: usize) {
    if count == S::F32_LANES {
        // SAFETY: the caller's promise.
        return unsafe { store::<S>(at, value) };
    }
    let value = &raw const value;
    // SAFETY: `value` holds `F32_LANES >= count` values, `at` has room for `count`.
    unsafe { std::ptr::copy_nonoverlapping(value.cast::<f32>(), at, count) };
}
