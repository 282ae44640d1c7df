"""Tensors of torch, images of PIL and sparse matrices of scipy, by way of the arrays they consist of."""

from __future__ import annotations

import io
import math
from typing import Any

from causebook._types.arrays import describe_array, revive_array
from causebook._types.common import (
    Attachment,
    DecodeError,
    Described,
    Describer,
    Missing,
    Parameters,
    Reviver,
    expect,
    from_base64,
    imported,
    need,
    to_base64,
)


def find(kind: type) -> Describer | None:
    torch = imported("torch")
    if torch is not None:
        if kind in (torch.Tensor, torch.nn.Parameter):
            return describe_tensor
        if kind is torch.dtype:
            return describe_torch_name("torch.dtype")
        if kind is torch.device:
            return describe_torch_name("torch.device")
        if kind is torch.Size:
            return describe_size
    images = imported("PIL.Image")
    if images is not None and issubclass(kind, images.Image):
        return describe_image
    sparse = imported("scipy.sparse")
    if sparse is not None and (issubclass(kind, (sparse.sparray, sparse.spmatrix))):
        return describe_sparse
    return None


# torch

SAME = {
    "float64": "float64", "float32": "float32", "float16": "float16", "int64": "int64", "int32": "int32",
    "int16": "int16", "int8": "int8", "uint8": "uint8", "uint16": "uint16", "uint32": "uint32", "uint64": "uint64",
    "bool": "bool", "complex64": "complex64", "complex128": "complex128",
}  # fmt: skip
"""Types of torch that numpy has."""

BITS = {
    "bfloat16": "int16", "float8_e4m3fn": "uint8", "float8_e5m2": "uint8", "float8_e4m3fnuz": "uint8",
    "float8_e5m2fnuz": "uint8", "float8_e8m0fnu": "uint8",
}  # fmt: skip
"""Types that numpy lacks, and those of the same size."""


def describe_tensor(value: Any) -> Described:
    torch = imported("torch")
    name = str(value.dtype).removeprefix("torch.")
    if value.layout is not torch.strided or (name not in SAME and name not in BITS):
        raise TypeError(f"a tensor of {value.layout} and {name}")
    parameters: Parameters = {"dtype": name}
    if value.requires_grad:
        parameters["requires_grad"] = True
    if type(value) is torch.nn.Parameter:
        parameters["class"] = "Parameter"
    if value.device.type != "cpu":
        parameters["device"] = str(value.device)
    tensor = value.detach().cpu().resolve_conj().resolve_neg()
    if name in BITS:
        parameters["bits"] = BITS[name]
        tensor = tensor.contiguous().view(getattr(torch, BITS[name]))
        if tensor.nbytes <= 4096:
            # Read as numbers, and exact: each is one of single precision too.
            del parameters["bits"]
            tensor = value.detach().cpu().to(torch.float32)
    _, plain, of_array = describe_array(tensor.numpy())
    of_array = {key: item for key, item in (of_array or {}).items() if key not in ("dtype", "order")}
    return "torch.Tensor", plain, {**of_array, **parameters}


def revive_tensor(plain: Any, parameters: Parameters) -> Any:
    torch, np = need("torch"), need("numpy")
    name = parameters.get("dtype")
    if name not in SAME and name not in BITS:
        raise Missing(name)
    if name in SAME:
        held = SAME[name]
    else:
        held = expect(parameters.get("bits", "float32"), str, "a dtype")
        if held not in ("float32", BITS[name]):
            raise DecodeError("bits of a tensor are of another size")
    given = {key: item for key, item in parameters.items() if key in ("shape", "npy")}
    array = revive_array(plain, {"dtype": held, **given})
    tensor = torch.from_numpy(np.array(array, order="C", copy=None))
    dtype = getattr(torch, name)
    if "bits" in parameters:
        tensor = tensor.view(dtype)
    elif name in BITS:
        tensor = tensor.to(dtype)
    if parameters.get("class") == "Parameter":
        return torch.nn.Parameter(tensor, requires_grad=bool(parameters.get("requires_grad")))
    return tensor.requires_grad_() if parameters.get("requires_grad") else tensor


def describe_torch_name(kind: str) -> Describer:
    return lambda value: (kind, str(value).removeprefix("torch."), None)


def revive_dtype(plain: Any, _: Parameters) -> Any:
    torch = need("torch")
    found = getattr(torch, expect(plain, str, "a dtype"), None) if plain in (*SAME, *BITS) else None
    if type(found) is not torch.dtype:
        raise Missing(plain)
    return found


def revive_device(plain: Any, _: Parameters) -> Any:
    return need("torch").device(expect(plain, str, "a device"))


def describe_size(value: Any) -> Described:
    return "torch.Size", list(value), None


def revive_size(plain: Any, _: Parameters) -> Any:
    return need("torch").Size(plain)


# PIL

LOSSLESS = ("1", "L", "LA", "RGB", "RGBA", "I;16")
"""Modes that PNG has."""


def describe_image(value: Any) -> Described:
    parameters: Parameters = {"mode": value.mode, "size": list(value.size)}
    if value.mode in LOSSLESS and 0 not in value.size:
        file = io.BytesIO()
        value.copy().save(file, "PNG", compress_level=1)
        return "PIL.Image", Attachment("image/png", file.getvalue()), parameters
    if value.palette is not None:
        parameters["palette"] = to_base64(value.palette.tobytes())
        parameters["palette_mode"] = value.palette.mode
    return "PIL.Image", Attachment("application/octet-stream", value.tobytes()), {**parameters, "raw": True}


def revive_image(plain: Any, parameters: Parameters) -> Any:
    images = need("PIL.Image")
    data = expect(plain, Attachment, "an image").data
    mode, size = parameters["mode"], tuple(parameters["size"])
    # Neither deflate nor a pixel of one bit makes more of a byte.
    if math.prod(size) > 8 * 1_032 * len(data):
        raise DecodeError("an image is larger than its bytes")
    if not parameters.get("raw"):
        image = images.open(io.BytesIO(data), formats=["PNG"])
        if image.size != size or image.mode != mode:
            raise DecodeError("an image is not of the mode and size that are said beside it")
        image.load()
        # What was opened is of a class of its own, and has what PNG says beside the pixels.
        return images.frombytes(mode, size, image.tobytes())
    image = images.frombytes(mode, size, data)
    if "palette" in parameters:
        image.putpalette(from_base64(parameters["palette"]), parameters["palette_mode"])
    return image


# scipy

PARTS = {
    "csr": ("data", "indices", "indptr"),
    "csc": ("data", "indices", "indptr"),
    "bsr": ("data", "indices", "indptr"),
    "dia": ("data", "offsets"),
}


def describe_sparse(value: Any) -> Described:
    sparse = imported("scipy.sparse")
    parameters: Parameters = {
        "format": value.format,
        "shape": list(value.shape),
        "array": isinstance(value, sparse.sparray),
    }
    if value.format in PARTS:
        return "scipy.sparse", {part: getattr(value, part) for part in PARTS[value.format]}, parameters
    triples = value.tocoo()
    return "scipy.sparse", {"data": triples.data, "coords": list(triples.coords)}, parameters


def revive_sparse(plain: Any, parameters: Parameters) -> Any:
    sparse = need("scipy.sparse")
    form, shape = parameters["format"], tuple(parameters["shape"])
    if form not in (*PARTS, "coo", "lil", "dok"):
        raise Missing(form)
    suffix = "array" if parameters.get("array") else "matrix"
    if form in PARTS:
        make = getattr(sparse, f"{form}_{suffix}")
        return make(tuple(plain[part] for part in PARTS[form]), shape=shape)
    if form == "lil" and shape[0] > 64 * len(plain["data"]) + 1_048_576:
        raise DecodeError("a sparse matrix is larger than its elements let it be")
    triples = getattr(sparse, f"coo_{suffix}")((plain["data"], tuple(plain["coords"])), shape=shape)
    return triples.asformat(form)


REVIVERS: dict[str, Reviver] = {
    "torch.Tensor": revive_tensor,
    "torch.dtype": revive_dtype,
    "torch.device": revive_device,
    "torch.Size": revive_size,
    "PIL.Image": revive_image,
    "scipy.sparse": revive_sparse,
}
