//! Reading onnx models.
