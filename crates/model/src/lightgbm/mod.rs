//! Reading lightgbm models.

use crate::sums::Sums;
use crate::{Limits, ModelError};

pub(crate) fn read(_bytes: &[u8], _limits: &Limits) -> Result<Sums, ModelError> {
    Err(ModelError::Unsupported {
        format: "LightGBM",
        what: "the text format".to_owned(),
    })
}
