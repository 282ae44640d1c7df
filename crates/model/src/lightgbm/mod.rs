//! Reading lightgbm models.
