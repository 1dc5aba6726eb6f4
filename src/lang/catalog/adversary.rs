//! Adversaries: what attacks the training inputs. None is part of this version.

use super::declare::kind;

kind! {
    /// What attacks the training inputs.
    Adversary is Adversary {}
}
