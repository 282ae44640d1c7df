//! What the fuzz targets share: inputs read as choices, mutations, a small log with its keys, and references: slow,
//! obviously right versions of what the product does fast, written from the specifications and not from its code.

pub mod book;
pub mod choices;
pub mod models;
pub mod reference;
