//! The operations on Flex, Burn's CPU backend.

use burn_flex::Flex;

use super::Ops;

impl Ops for Flex {}
