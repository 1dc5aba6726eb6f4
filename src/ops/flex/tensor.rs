//! Flex tensors as slices of floats, and back.

use burn::tensor::{DType, Shape, Tensor, TensorPrimitive};
use burn_flex::{Flex, FlexTensor, Layout};

use super::buffer::Buffer;

/// A tensor's values in memory order.
pub struct Values(FlexTensor);

impl Values {
    /// Copies where the tensor is a view that is not contiguous; shares otherwise.
    pub fn of<const D: usize>(tensor: Tensor<Flex, D>) -> Self {
        let tensor = tensor.into_primitive().tensor();
        let whole = tensor.layout().num_elements() * size_of::<f32>() == tensor.bytes().len();
        Self(if whole && tensor.is_contiguous() { tensor } else { tensor.to_contiguous() })
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

/// A tensor of a filled buffer.
pub fn tensor<const D: usize>(buffer: Buffer, shape: [usize; D]) -> Tensor<Flex, D> {
    let layout = Layout::contiguous(Shape::from(shape));
    assert_eq!(layout.num_elements(), buffer.len());
    let primitive = FlexTensor::new(buffer.into_bytes(), layout, DType::F32);
    Tensor::from_primitive(TensorPrimitive::Float(primitive))
}
