//! Reading xgboost models.
