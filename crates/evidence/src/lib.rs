//! Evidence files: make and check a disclosed record with its proof, offline. No I/O.
