//! The manual: what the layer does by default, and how to run it.

pub mod defaults {
    //! Defaults.
}
