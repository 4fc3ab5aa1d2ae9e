"""Reference reader of ctk patch files, versions 1 to 3 (see ../patch.md, ../context.md).

Needs numpy, the standard library and the files beside it.  A model is a
dict from tensor name to ``Tensor``: the dtype's safetensors name, the shape and
the bytes as a flat ``uint8`` array, so that dtypes numpy does not know (BF16, F8)
work too.

    patch = Patch("task.ctkpatch")
    tuned = patch.apply(load_safetensors("model.safetensors")[0])
    base = patch.revert(tuned)

Dicts of numpy arrays and state dicts of PyTorch are converted on the way:

    arrays = to_arrays(patch.apply(from_arrays(arrays)))
    module.load_state_dict(to_state_dict(patch.apply(from_state_dict(state))))

Run as a program it applies or reverts a patch on a safetensors file and checks
every digest:

    python ctkpatch.py apply|revert MODEL.safetensors PATCH OUTPUT.safetensors [MASK...]

Patches that take their positions from a mask are opened with it:

    patch = Patch("task.ctkpatch", masks=[Mask("task.ctkmask")])

Where the environment variable CTKPATCH_LIBRARY names libctkpatch, it does the work.
"""

import hashlib
import json
import struct
import sys
import zlib
from typing import NamedTuple

import numpy as np

import ctkcontext
import ctknative
from ctkcontext import PatchError


class Tensor(NamedTuple):
    dtype: str
    shape: tuple
    data: np.ndarray


# Section 5.1: bytes of a unit and whether it is ordered as a float.
UNITS = {
    "BOOL": (1, False), "U8": (1, False), "I8": (1, False), "F8_E8M0": (1, False),
    "F4": (1, False), "F6_E2M3": (1, False), "F6_E3M2": (1, False),
    "F8_E5M2": (1, True), "F8_E4M3": (1, True),
    "F8_E5M2FNUZ": (1, True), "F8_E4M3FNUZ": (1, True),
    "I16": (2, False), "U16": (2, False), "F16": (2, True), "BF16": (2, True),
    "I32": (4, False), "U32": (4, False), "F32": (4, True), "C64": (4, True),
    "I64": (8, False), "U64": (8, False), "F64": (8, True),
}
# Section 6: whether an entry's stream begins with the units that both sides share, and
# the sides of which it then holds units whole.
KINDS = {"changed": (True, ()), "reshaped": (True, ()), "added": (False, ("after",)),
         "removed": (False, ("before",)), "grown": (True, ("after",)),
         "shrunk": (True, ("before",)), "replaced": (False, ("before", "after"))}
BITS = {"F4": 4, "F6_E2M3": 6, "F6_E3M2": 6, "C64": 64}


def byte_count(dtype, shape):
    count = 1
    for extent in shape:
        count *= extent
    return count * BITS.get(dtype, 8 * UNITS[dtype][0]) // 8


# Models of other kinds


ARRAYS = {"BOOL": "?", "U8": "u1", "I8": "i1", "I16": "<i2", "U16": "<u2", "I32": "<i4",
          "U32": "<u4", "I64": "<i8", "U64": "<u8", "F16": "<f2", "F32": "<f4", "F64": "<f8",
          "C64": "<c8"}
TORCH = {"BOOL": "bool", "U8": "uint8", "I8": "int8", "I16": "int16", "U16": "uint16",
         "I32": "int32", "U32": "uint32", "I64": "int64", "U64": "uint64", "F16": "float16",
         "BF16": "bfloat16", "F32": "float32", "F64": "float64", "C64": "complex64",
         "F8_E4M3": "float8_e4m3fn", "F8_E5M2": "float8_e5m2",
         "F8_E4M3FNUZ": "float8_e4m3fnuz", "F8_E5M2FNUZ": "float8_e5m2fnuz",
         "F8_E8M0": "float8_e8m0fnu"}


def from_arrays(arrays):
    """A model from a dict of numpy arrays."""
    names = {np.dtype(array): name for name, array in ARRAYS.items()}
    model = {}
    for name, array in arrays.items():
        little = np.ascontiguousarray(array, array.dtype.newbyteorder("<"))
        model[name] = Tensor(
            names[little.dtype], array.shape, little.reshape(-1).view(np.uint8))
    return model


def to_arrays(model):
    """A dict of numpy arrays; dtypes numpy does not know stay flat bytes."""
    return {name: tensor.data.view(ARRAYS[tensor.dtype]).reshape(tensor.shape)
            if tensor.dtype in ARRAYS else tensor.data for name, tensor in model.items()}


def from_state_dict(state):
    """A model from PyTorch tensors."""
    import torch
    names = {getattr(torch, torch_name): name for name, torch_name in TORCH.items()
             if hasattr(torch, torch_name)}
    return {name: Tensor(
        names[tensor.dtype], tuple(tensor.shape),
        tensor.detach().cpu().contiguous().reshape(-1).view(torch.uint8).numpy())
        for name, tensor in state.items()}


def to_state_dict(model):
    """PyTorch tensors on the CPU."""
    import torch
    state = {}
    for name, tensor in model.items():
        state[name] = torch.empty(tensor.shape, dtype=getattr(torch, TORCH[tensor.dtype]))
        if tensor.data.size:
            state[name].reshape(-1).view(torch.uint8).copy_(torch.from_numpy(tensor.data.copy()))
    return state


# Section 4.1


def tensor_digest(tensor):
    prologue = f"{tensor.dtype}\n{','.join(map(str, tensor.shape))}\n"
    return hashlib.sha256(prologue.encode() + tensor.data.tobytes()).hexdigest()


def list_digest(pairs):
    hasher = hashlib.sha256()
    for name, digest in sorted(pairs, key=lambda pair: pair[0].encode()):
        hasher.update(f"{len(name.encode())}\n{name}\n{digest}\n".encode())
    return hasher.hexdigest()


def fingerprint(model):
    return list_digest((name, tensor_digest(tensor)) for name, tensor in model.items())


# Section 5.2 and 5.3


def to_ordered(bits, is_float):
    if not is_float:
        return bits
    top = bits.dtype.type(1 << (8 * bits.dtype.itemsize - 1))
    return np.where(bits & top, ~bits, bits | top)


def from_ordered(integers, is_float):
    if not is_float:
        return integers
    top = integers.dtype.type(1 << (8 * integers.dtype.itemsize - 1))
    return np.where(integers & top, integers ^ top, ~integers)


def from_zigzag(values):
    one = values.dtype.type(1)
    return (values >> one) ^ (~(values & one) + one)


# Section 6


class Cursor:
    def __init__(self, data):
        self.data, self.position = data, 0

    def take(self, count):
        piece = self.data[self.position:self.position + count]
        if len(piece) != count:
            raise PatchError("a stream ends early")
        self.position += count
        return piece

    def varint(self):
        value = 0
        for shift in range(0, 63, 7):
            byte = self.take(1)[0]
            value |= (byte & 0x7F) << shift
            if byte < 0x80:
                return value
        raise PatchError("a number is too long")

    def part(self, count):
        form = self.take(1)[0]
        if form == 0:
            data = self.take(count)
        elif form == 1:
            inflater = zlib.decompressobj()
            try:
                data = inflater.decompress(self.take(self.varint()), count + 1)
            except zlib.error as error:
                raise PatchError(f"a part does not inflate: {error}") from None
            if not inflater.eof or inflater.unused_data or len(data) != count:
                raise PatchError("a part does not inflate to its byte count")
        else:
            raise PatchError(f"part form {form}")
        return np.frombuffer(data, np.uint8)


def read_positions(cursor, count, units, mask=None):
    """``mask`` holds the mask's positions in the block, if there is one."""
    form = cursor.take(1)[0]
    if form == 5:
        if mask is None:
            raise PatchError("positions are those of a mask that is not at hand")
        positions = mask
    elif form == 0 and count == units:
        return np.arange(units)
    elif form in (1, 2, 3):
        gaps = sum(cursor.part(count).astype(np.int64) << (8 * k) for k in range(form))
        positions = np.cumsum(gaps + 1) - 1
    elif form == 4:
        bits = np.unpackbits(cursor.part((units + 7) // 8), bitorder="little")
        positions = np.flatnonzero(bits)
    else:
        raise PatchError(f"index form {form}")
    if len(positions) != count or positions[-1] >= units:
        raise PatchError("positions lie outside their block")
    return positions


class UnitStream:
    """A unit stream: blocks of a tensor, of which those of ``context`` are decoded
    later, together with those of other tensors."""

    def __init__(self, cursor, codec, dtype, total, source=None, is_target=False, mask=None):
        self.mask = mask
        self.width, is_float = UNITS[dtype]
        self.total = total
        self.is_f32 = is_float and self.width == 4
        self.shift = cursor.take(1)[0]
        if not 4 <= self.shift <= 22:
            raise PatchError(f"block shift {self.shift}")
        self.blocks = []
        if codec == "context":
            is_used = source is not None and self.is_f32
            source = source[:4 * total].view("<u4") if is_used else None
            self.take_blocks(cursor, source, is_target)
        elif codec == "deflate":
            self.differences = read_deflate(
                cursor, self.total, self.width, self.shift, mask)
        else:
            raise PatchError(f"codec {codec}")

    def take_blocks(self, cursor, source, is_target):
        for first in range(0, self.total, 1 << self.shift):
            data = cursor.take(cursor.varint())
            units = min(1 << self.shift, self.total - first)
            if data:
                own = None if source is None else source[first:first + units]
                self.blocks.append(ctkcontext.Block(
                    data, first, units, self.width, self.is_f32, own, is_target,
                    within(self.mask, first, units)))

    def finish(self, decoded):
        """Puts the decoded blocks where they belong."""
        if not self.blocks and hasattr(self, "differences"):
            return
        self.differences = np.zeros(self.total, f"<u{self.width}")
        for block, (positions, differences) in zip(self.blocks, decoded):
            places = slice(block.first, block.first + block.units)
            if positions is not None:
                places = block.first + positions
            self.differences[places] = differences


def within(positions, first, units):
    """The positions in a block, relative to its start; None where there are none at all."""
    if positions is None:
        return None
    start, end = np.searchsorted(positions, [first, first + units])
    return positions[start:end] - first


def read_deflate(cursor, total, width, shift, mask=None):
    """The differences of all units, zero where nothing is coded."""
    differences = np.zeros(total, f"<u{width}")
    for first in range(0, total, 1 << shift):
        units = min(1 << shift, total - first)
        count = cursor.varint()
        if count > units:
            raise PatchError("a block codes more units than it has")
        if count:
            positions = read_positions(cursor, count, units, within(mask, first, units))
            planes = [cursor.part(count) for _ in range(width)]
            zigzag = np.ascontiguousarray(np.stack(planes, axis=1)).view(f"<u{width}")[:, 0]
            differences[first + positions] = from_zigzag(zigzag)
    return differences


def add(data, differences, dtype):
    width, is_float = UNITS[dtype]
    bits = np.ascontiguousarray(data).view(f"<u{width}")
    return from_ordered(to_ordered(bits, is_float) + differences, is_float).view(np.uint8)


# Sections 3, 4 and 9


def load_safetensors(path):
    """Tensors and metadata of a safetensors file."""
    with open(path, "rb") as file:
        data = file.read()
    (length,) = struct.unpack_from("<Q", data)
    header = json.loads(data[8:8 + length])
    metadata = header.pop("__metadata__", {})
    tensors = {}
    for name, entry in header.items():
        start, end = entry["data_offsets"]
        body = np.frombuffer(data, np.uint8, end - start, 8 + length + start)
        tensors[name] = Tensor(entry["dtype"], tuple(entry["shape"]), body)
    return tensors, metadata


def save_safetensors(path, tensors, metadata):
    header, offset = {"__metadata__": metadata} if metadata else {}, 0
    names = sorted(tensors, key=lambda name: (-BITS.get(
        tensors[name].dtype, 8 * UNITS[tensors[name].dtype][0]), name.encode()))
    for name in names:
        tensor = tensors[name]
        end = offset + tensor.data.size
        header[name] = {
            "dtype": tensor.dtype, "shape": tensor.shape, "data_offsets": [offset, end]}
        offset = end
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    with open(path, "wb") as file:
        file.write(struct.pack("<Q", len(text)) + text)
        for name in names:
            file.write(tensors[name].data.tobytes())


def is_ignored(key):
    return key == "signatures" or key.startswith("x-")


def seal(metadata):
    hasher = hashlib.sha256()
    for key in sorted(metadata, key=str.encode):
        if key != "header_sha256" and not is_ignored(key):
            value = metadata[key]
            hasher.update(f"{len(key.encode())}\n{key}\n".encode())
            hasher.update(f"{len(value.encode())}\n{value}\n".encode())
    return hasher.hexdigest()


def load_sealed(path, kind, versions):
    """Tensors and metadata of a ctk file whose seal was checked."""
    streams, metadata = load_safetensors(path)
    if metadata.get("format") != kind:
        raise PatchError(f"not a file of the format {kind}")
    if metadata.get("version") not in versions:
        raise PatchError("an unsupported version")
    if seal(metadata) != metadata.get("header_sha256"):
        raise PatchError("the metadata does not match its digest")
    return streams, metadata


def check_payload(streams, metadata):
    payload = list_digest(
        (name, hashlib.sha256(stream.data.tobytes()).hexdigest())
        for name, stream in streams.items())
    if payload != metadata["payload_sha256"]:
        raise PatchError("the streams do not match their digest")


# Sections 4.8 and 4.9


# The version whose streams are joined.
JOINED = {"ctk-patch": "3", "ctk-mask": "2"}


def read_tables(streams, metadata):
    """The tables of a file, with the rows of version 1, and its streams."""
    if metadata["version"] == "1":
        tables = {key: json.loads(metadata[key]) for key in ("files", "tensors")
                  if key in metadata}
        return tables, streams
    if "tables" not in streams:
        raise PatchError("there is no stream of tables")
    data = streams["tables"].data.tobytes()
    if hashlib.sha256(data).hexdigest() != metadata["tables_sha256"]:
        raise PatchError("the tables do not match their digest")
    cursor = Cursor(data)
    tables = json.loads(cursor.part(cursor.varint()).tobytes())
    if metadata["version"] == JOINED[metadata["format"]]:
        if streams.keys() != {"payload", "tables"}:
            raise PatchError("the streams are not payload and tables")
        streams = split_payload(streams["payload"].data, tables)
        restore_digests(tables, cursor)
    if cursor.position != len(data):
        raise PatchError("bytes follow the tables")
    return tables, streams


def split_payload(payload, tables):
    """The streams that follow each other in the payload of version 3."""
    streams, start = {}, 0
    for prefix, table in (("file:", "files"), ("tensor:", "tensors")):
        for row in tables[table]:
            if row.get("kind") == "alias":
                continue
            count = row.pop("bytes", None)
            if type(count) is not int or not 0 <= count <= payload.size - start:
                raise PatchError("a row does not tell the bytes of its stream")
            name = prefix + row["name"]
            if name in streams:
                raise PatchError("two rows have one name")
            streams[name] = Tensor("U8", (count,), payload[start:start + count])
            start += count
    if start != payload.size:
        raise PatchError("bytes of the payload belong to no stream")
    return streams


def restore_digests(tables, cursor):
    """Puts the digests that follow the text of version 3 where they belong."""
    for row in tables["files"]:
        for side in ("after", "before"):
            if side in row:
                row[side]["sha256"] = take_digest(row[side]["sha256"], cursor)
    for row in tables["tensors"]:
        for side in ("after", "before"):
            if side in row:
                row[side] = take_digest(row[side], cursor)


def take_digest(placeholder, cursor):
    if placeholder is not True:
        raise PatchError("a digest is not where it belongs")
    return cursor.take(32).hex()


class Mask:
    """The weights of a child network (../mask.md)."""

    def __init__(self, path):
        streams, metadata = load_sealed(path, "ctk-mask", ("1", "2"))
        tables, streams = read_tables(streams, metadata)
        check_payload(streams, metadata)
        self.path, self.digest = path, metadata["digest"]
        # Name -> (shape, ascending positions), for tensors with a selected weight.
        self.tensors = {}
        hasher = hashlib.sha256()
        entries = tables["tensors"]
        for entry, positions in zip(entries, self._read(entries, streams)):
            name, shape = entry["name"], tuple(entry["shape"])
            if len(positions) != entry["selected"]:
                raise PatchError(f"a mask's positions in '{name}' are damaged")
            if len(positions):
                extents = ",".join(map(str, shape))
                hasher.update(
                    f"{len(name.encode())}\n{name}\n{extents}\n{len(positions)}\n".encode())
                hasher.update(positions.astype("<u4").tobytes())
                self.tensors[name] = (shape, positions)
        if hasher.hexdigest() != self.digest:
            raise PatchError("the mask does not match its digest")

    @staticmethod
    def _read(entries, streams):
        """The positions of every tensor."""
        blocks = [MaskBlocks(entry, streams["tensor:" + entry["name"]]) for entry in entries]
        own = [block for tensor in blocks for block in tensor.coded]
        decoded = iter(ctkcontext.decode_positions(own))
        return [tensor.positions([next(decoded) for _ in tensor.coded]) for tensor in blocks]


class MaskBlocks:
    """The blocks of a tensor of a mask; those of ``context`` are decoded later."""

    def __init__(self, entry, stream):
        codec = entry.get("codec", "deflate")
        if "codec" in entry and codec != "context":
            raise PatchError(f"codec {codec}")
        cursor = Cursor(stream.data.tobytes())
        shift, total = cursor.take(1)[0], int(np.prod(entry["shape"], dtype=np.int64))
        self.coded, self.found = [], [np.zeros(0, np.int64)]
        for first in range(0, total, 1 << shift):
            head, units = cursor.varint(), min(1 << shift, total - first)
            if head and codec == "context":
                self.coded.append(
                    ctkcontext.Block(cursor.take(head), first, units, 1, False))
            elif head:
                self.found.append(first + read_positions(cursor, head, units))
        if cursor.position != len(cursor.data):
            raise PatchError("bytes follow a stream's end")

    def positions(self, decoded):
        return np.concatenate(
            self.found + [block.first + own for block, own in zip(self.coded, decoded)])


class Patch:
    """An opened patch: header and payload checked."""

    def __init__(self, path, masks=()):
        streams, metadata = load_sealed(path, "ctk-patch", ("1", "2", "3"))
        tables, self.streams = read_tables(streams, metadata)
        check_payload(self.streams, metadata)
        own = metadata.get("mask_digest")
        self.mask = next((mask for mask in masks if mask.digest == own), None)
        library = ctknative.load()
        paths = [self.mask.path] if self.mask else []
        self.native = library and ctknative.NativePatch(library, path, paths)
        self.rounding = json.loads(metadata.get("rounding", "null"))
        self.base_fingerprint = metadata["base_fingerprint"]
        self.target_fingerprint = metadata["target_fingerprint"]
        self.entries, self.file_entries = tables["tensors"], tables["files"]
        self.provenance = json.loads(metadata["provenance"])

    def apply(self, model):
        """The target, from the base."""
        return self._transform(model, "before", "after")

    def revert(self, model):
        """The base, from the target."""
        return self._transform(model, "after", "before")

    def files(self):
        """The small files that differ: name -> (bytes before, bytes after)."""
        result = {}
        for entry in self.file_entries:
            cursor = Cursor(self.streams["file:" + entry["name"]].data.tobytes())
            sides = [
                cursor.part(entry[side]["bytes"]).tobytes() if side in entry else None
                for side in ("before", "after")]
            result[entry["name"]] = tuple(sides)
        return result

    def _transform(self, model, source, result):
        fingerprints = {"before": self.base_fingerprint, "after": self.target_fingerprint}
        if fingerprint(model) != fingerprints[source]:
            raise PatchError("the model is not the one the patch starts from")
        output = dict(model)
        if self.native:
            verb = "apply" if result == "after" else "revert"
            for name, tensor in self.native.transform(model, Tensor, verb).items():
                output.pop(name, None)
                if tensor is not None:
                    output[name] = tensor
        else:
            self._decode(model, result, output)
        if fingerprint(output) != fingerprints[result]:
            raise PatchError("the result's fingerprint is wrong")
        return output

    def _decode(self, model, result, output):
        own = [entry for entry in self.entries if entry["kind"] != "alias"]
        streams = [self._streams(entry, model.get(entry["name"]), result) for entry in own]
        parts = [part for parts in streams for part in parts.values()]
        decoded = iter(ctkcontext.decode([block for part in parts for block in part.blocks]))
        for part in parts:
            part.finish([next(decoded) for _ in part.blocks])
        for entry, parts in zip(own, streams):
            self._put(entry, self._tensor(
                entry, model.get(entry["name"]), parts, result), result, output)
        for entry in self.entries:
            if entry["kind"] == "alias":
                tensor = output.get(entry["of"]) if result in entry else None
                self._put(entry, tensor, result, output)

    @staticmethod
    def _put(entry, tensor, result, output):
        """Checks a result's tensor and puts it into the model."""
        if tensor is None and result not in entry:
            del output[entry["name"]]
            return
        if tensor is None or tensor_digest(tensor) != entry[result]:
            raise PatchError(f"tensor '{entry['name']}' came out wrong")
        output[entry["name"]] = tensor

    @staticmethod
    def _layouts(entry):
        """Dtype and shape of the sides that the tensor is on."""
        main = (entry["dtype"], tuple(entry["shape"]))
        base = (entry.get("base_dtype", main[0]), tuple(entry.get("base_shape", main[1])))
        sides = {"before": base, "after": main}
        return {side: layout for side, layout in sides.items() if side in entry}

    def _parts(self, entry):
        """Dtype and unit count of the unit streams of an entry: that of the shared
        units, under ``both``, and those of a side's other units."""
        if entry["kind"] not in KINDS:
            raise PatchError(f"kind {entry['kind']}")
        has_shared, wholes = KINDS[entry["kind"]]
        counts = {side: byte_count(*layout) // UNITS[layout[0]][0]
                  for side, layout in self._layouts(entry).items()}
        shared = min(counts.values()) if has_shared else 0
        parts = {"both": (entry["dtype"], shared)} if has_shared else {}
        for side in wholes:
            parts[side] = (self._layouts(entry)[side][0], counts[side] - shared)
        return parts

    def _streams(self, entry, current, result):
        """The unit streams of an entry, by part."""
        cursor = Cursor(self.streams["tensor:" + entry["name"]].data.tobytes())
        streams = {}
        for part, (dtype, total) in self._parts(entry).items():
            source = current.data if part == "both" else None
            streams[part] = UnitStream(
                cursor, entry["codec"], dtype, total, source, result == "before",
                self._masked(entry) if part == "both" else None)
        if cursor.position != len(cursor.data):
            raise PatchError("bytes follow a stream's end")
        return streams

    def _masked(self, entry):
        shape, positions = (self.mask.tensors if self.mask else {}).get(
            entry["name"], (None, None))
        return positions if shape == tuple(entry["shape"]) else None

    def _tensor(self, entry, current, streams, result):
        layout = self._layouts(entry).get(result)
        if layout is None:
            return None
        pieces = []
        if "both" in streams:
            part = streams["both"]
            shared = current.data[:part.total * part.width]
            sign = np.zeros_like(part.differences) - part.differences
            pieces.append(add(
                shared, sign if result == "before" else part.differences, layout[0]))
        if result in streams:
            part = streams[result]
            zero = np.zeros(part.total * part.width, np.uint8)
            pieces.append(add(zero, part.differences, layout[0]))
        return Tensor(*layout, np.concatenate(pieces))


def main(arguments):
    if len(arguments) < 4 or arguments[0] not in ("apply", "revert"):
        sys.exit(__doc__)
    verb, model_path, patch_path, output_path, *masks = arguments
    tensors, metadata = load_safetensors(model_path)
    patch = Patch(patch_path, [Mask(path) for path in masks])
    result = patch.apply(tensors) if verb == "apply" else patch.revert(tensors)
    save_safetensors(output_path, result, metadata)
    print(fingerprint(result))


if __name__ == "__main__":
    main(sys.argv[1:])
