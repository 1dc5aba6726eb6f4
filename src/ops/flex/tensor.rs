//! Flex tensors as slices of floats, and back.

use burn::tensor::{DType, Shape, Tensor, TensorPrimitive};
use burn_flex::{Flex, FlexTensor, Layout};

use super::buffer::Buffer;
use super::kernels::copy::{View, gather};

/// A tensor's values in memory order.
pub struct Values(FlexTensor);

impl Values {
    /// Copies where the tensor is a view that is not contiguous; shares otherwise.
    pub fn of<const D: usize>(tensor: Tensor<Flex, D>) -> Self {
        let tensor = tensor.into_primitive().tensor();
        let whole = tensor.layout().num_elements() * size_of::<f32>() == tensor.bytes().len();
        if whole && tensor.is_contiguous() {
            return Self(tensor);
        }
        Self(match view(&tensor) {
            Some(view) => {
                let mut out = Buffer::take(tensor.layout().num_elements());
                gather(tensor.storage(), view, &mut out);
                flex(out, tensor.layout().shape().clone())
            }
            None => tensor.to_contiguous(),
        })
    }

    /// Values to write the result of an operation to that reads them: the same memory where nobody else holds it.
    pub fn reuse(mut self) -> Result<Self, Self> {
        if self.0.try_storage_mut::<f32>().is_some() { Ok(self) } else { Err(self) }
    }

    /// Only after [`Values::reuse`].
    pub fn as_mut(&mut self) -> &mut [f32] {
        self.0.storage_mut()
    }

    pub fn tensor<const D: usize>(self) -> Tensor<Flex, D> {
        Tensor::from_primitive(TensorPrimitive::Float(self.0))
    }
}

impl std::ops::Deref for Values {
    type Target = [f32];

    fn deref(&self) -> &[f32] {
        self.0.storage()
    }
}

pub fn is_f32<const D: usize>(tensor: &Tensor<Flex, D>) -> bool {
    tensor.dtype() == DType::F32
}

/// What a tensor shows of its memory; `None` where that is not four axes at most, or runs backwards.
fn view(tensor: &FlexTensor) -> Option<View> {
    let layout = tensor.layout();
    let steps: Option<Vec<usize>> = layout.strides().iter().map(|&step| usize::try_from(step).ok()).collect();
    let axes: Vec<(usize, usize)> = layout.shape().iter().copied().zip(steps?).collect();
    View::new(layout.start_offset(), axes.into_iter())
}

/// A tensor of a filled buffer.
pub fn tensor<const D: usize>(buffer: Buffer, shape: [usize; D]) -> Tensor<Flex, D> {
    Tensor::from_primitive(TensorPrimitive::Float(flex(buffer, Shape::from(shape))))
}

fn flex(buffer: Buffer, shape: Shape) -> FlexTensor {
    let layout = Layout::contiguous(shape);
    assert_eq!(layout.num_elements(), buffer.len());
    FlexTensor::new(buffer.into_bytes(), layout, DType::F32)
}
