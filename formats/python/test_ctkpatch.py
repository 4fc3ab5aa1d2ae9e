"""Tests of the reference reader on the golden patches: python test_ctkpatch.py"""

import hashlib
import json
import os
import sys
import tempfile
import unittest

import numpy as np

import ctkcontext
import ctkpatch

ROOT = os.path.dirname(os.path.abspath(__file__)) + "/../.."
GOLDEN = ROOT + "/fixtures/patches/v1/"
KINDS = ROOT + "/fixtures/patches/v1-kinds/"
JOINED = ROOT + "/fixtures/patches/v3/kinds.ctkpatch"
JOINED_MASK = ROOT + "/fixtures/patches/v3/joined.ctkmask"


def varint(value):
    result = bytearray()
    while value >= 0x80:
        result.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes(result) + bytes([value])


def equal(left, right):
    return left.keys() == right.keys() and all(
        left[name][:2] == right[name][:2] and np.array_equal(left[name].data, right[name].data)
        for name in left)


def real_sides():
    """Base and changes of ../context.md, section 12.2."""
    row, column = np.indices((24, 20))
    base = ((7 * row + 5 * column) % 41 - 20) / 512 + 1 / 8192
    change = ((row % 5 - 2) * (column % 7 - 3) / 4096
              + ((3 * row + 11 * column) % 16 - 7.5) / 65536)
    return base, change


def shared_sides():
    """Base and changes of ../context.md, section 12.4."""
    row, column = np.indices((8, 10))
    unit = 10 * row + column
    bits = 0x3B000000 + unit * 0x9E3779 % (1 << 25) + (unit % 2 << 31)
    base = bits.astype("<u4").view("<f4").astype(np.float64)
    return base, ((3 * row + 11 * column) % 16 - 7.5) / 512


class ReaderTests(unittest.TestCase):
    def setUp(self):
        self.base = ctkpatch.load_safetensors(GOLDEN + "base.safetensors")[0]
        self.tuned = ctkpatch.load_safetensors(GOLDEN + "tuned.safetensors")[0]

    def test_both_ways(self):
        for codec in ("deflate", "context"):
            patch = ctkpatch.Patch(GOLDEN + codec + ".ctkpatch")
            self.assertTrue(equal(patch.apply(self.base), self.tuned), codec)
            self.assertTrue(equal(patch.revert(self.tuned), self.base), codec)

    def test_rounded(self):
        for form in ("bf16", "int8", "int4"):
            patch = ctkpatch.Patch(GOLDEN + form + ".ctkpatch")
            base = {"a.weight": self.base["a.weight"]}
            made = patch.apply(base)
            self.assertTrue(equal(patch.revert(made), base), form)
            weights = [made["a.weight"], self.tuned["a.weight"]]
            error = np.abs(np.subtract(*[w.data.view("<f4").astype(float) for w in weights]))
            self.assertEqual(patch.rounding["form"], form)
            self.assertLessEqual(error.max(), patch.rounding["worst_error"])
            self.assertGreater(error.max(), 0)

    def test_shared(self):
        patch = ctkpatch.Patch(GOLDEN + "shared.ctkpatch")
        base, tuned = ({"a.weight": side["a.weight"]} for side in (self.base, self.tuned))
        self.assertTrue(equal(patch.apply(base), tuned))
        self.assertTrue(equal(patch.revert(tuned), base))

    def test_masked(self):
        mask = ctkpatch.Mask(GOLDEN + "golden.ctkmask")
        base, tuned = ({"a.weight": side["a.weight"]} for side in (self.base, self.tuned))
        for path in ("v1/masked-deflate", "v1/masked-context", "v2/masked-deflate"):
            codec, path = path, ROOT + "/fixtures/patches/" + path + ".ctkpatch"
            patch = ctkpatch.Patch(path, [mask])
            self.assertTrue(equal(patch.apply(base), tuned), codec)
            self.assertTrue(equal(patch.revert(tuned), base), codec)
            with self.assertRaises(ctkpatch.PatchError):
                ctkpatch.Patch(path).apply(base)

    def test_mask_codecs(self):
        mask = ctkpatch.Mask(GOLDEN + "context.ctkmask")
        i, j = np.indices((64, 64))
        row = (40503 * i * i + 1234 * i) % 65536 // 256 - 128
        agrees = row * ((30011 * j * j + 777 * j) % 65536 // 256 - 128) > 2000
        self.assertEqual(mask.tensors.keys(), {"w"})
        shape, positions = mask.tensors["w"]
        self.assertEqual(shape, (64, 64))
        self.assertEqual(positions.tolist(), np.flatnonzero(agrees).tolist())

    def test_joined_masks(self):
        mask = ctkpatch.Mask(JOINED_MASK)
        self.assertEqual(
            {name: (shape, len(positions)) for name, (shape, positions) in mask.tensors.items()},
            {"layer.0.weight": ((6, 50), 150), "layer.1.weight": ((6, 50), 100),
             "w": ((64, 64), 1090)})
        tensors, metadata = ctkpatch.load_safetensors(JOINED_MASK)
        for change in ({"version": "3"}, {"version": "1"}, {"tables_sha256": "0" * 64}):
            changed = {**metadata, **change}
            changed["header_sha256"] = ctkpatch.seal(changed)
            with tempfile.TemporaryDirectory() as folder:
                ctkpatch.save_safetensors(folder + "/m", tensors, changed)
                with self.assertRaises((ctkpatch.PatchError, KeyError)):
                    ctkpatch.Mask(folder + "/m")

    def test_damaged_masks(self):
        streams, metadata = ctkpatch.load_safetensors(GOLDEN + "context.ctkmask")
        stream = streams["tensor:w"].data
        row = json.loads(metadata["tensors"])[0]

        def found(data=stream, **changes):
            tensor = ctkpatch.Tensor("U8", (len(data),), np.frombuffer(bytes(data), np.uint8))
            (positions,) = ctkpatch.Mask._read([{**row, **changes}], {"tensor:w": tensor})
            return positions.tolist()

        expected = found()
        for damage in (
                {"data": stream[:-4]}, {"data": bytes(stream) + b"\0"}, {"codec": "deflate"},
                {"codec": "lzma"}, {"data": bytes(stream[:3]) + b"\x03" + bytes(stream[4:])},
                {"data": bytes(stream[:3]) + b"\x0c" + bytes(stream[4:])}):
            with self.assertRaises(ctkpatch.PatchError, msg=str(damage)[:80]):
                found(**damage)
        for place in range(len(stream)):
            data = bytearray(stream.tobytes())
            data[place] ^= 0x11
            try:
                self.assertTrue(found(data) != expected or place < 80, place)
            except ctkpatch.PatchError:
                continue

    def test_every_kind(self):
        base = ctkpatch.load_safetensors(KINDS + "base.safetensors")[0]
        tuned = ctkpatch.load_safetensors(KINDS + "tuned.safetensors")[0]
        for codec in ("deflate", "context"):
            patch = ctkpatch.Patch(KINDS + codec + ".ctkpatch")
            kinds = {entry["kind"] for entry in patch.entries}
            self.assertEqual(kinds, {*ctkpatch.KINDS, "alias"})
            self.assertTrue(equal(patch.apply(base), tuned), codec)
            self.assertTrue(equal(patch.revert(tuned), base), codec)

    def test_joined_streams(self):
        base = ctkpatch.load_safetensors(KINDS + "base.safetensors")[0]
        tuned = ctkpatch.load_safetensors(KINDS + "tuned.safetensors")[0]
        patch = ctkpatch.Patch(JOINED)
        apart = ctkpatch.Patch(KINDS + "deflate.ctkpatch")
        self.assertEqual(patch.entries, apart.entries)
        self.assertEqual(patch.files(), {"config.json": (b"\1", b"\2\3")})
        self.assertTrue(equal(patch.apply(base), tuned))
        self.assertTrue(equal(patch.revert(tuned), base))

    def test_damaged_joined_streams(self):
        tensors, metadata = ctkpatch.load_safetensors(JOINED)
        tables = tensors["tables"].data.tobytes()
        cursor = ctkpatch.Cursor(tables)
        text = cursor.part(cursor.varint()).tobytes()
        digests = tables[cursor.position:]

        def opened(text=text, digests=digests, payload=tensors["payload"].data, more=()):
            packed = varint(len(text)) + b"\0" + text + digests
            made = {"payload": payload, "tables": np.frombuffer(packed, np.uint8), **dict(more)}
            streams = {name: ctkpatch.Tensor("U8", (data.size,), data)
                       for name, data in made.items()}
            own = {**metadata, "tables_sha256": hashlib.sha256(packed).hexdigest()}
            own["header_sha256"] = ctkpatch.seal(own)
            with tempfile.TemporaryDirectory() as folder:
                ctkpatch.save_safetensors(folder + "/p", streams, own)
                return ctkpatch.Patch(folder + "/p")

        opened()
        payload = tensors["payload"].data
        for damage in (
                {"digests": digests[:-1]}, {"digests": digests[:-32]},
                {"digests": digests + bytes(32)}, {"payload": payload[:-1]},
                {"payload": np.append(payload, payload[:1])},
                {"payload": payload[::-1].copy()}, {"more": {"more": payload}},
                {"text": text.replace(b"true", b"1", 1)},
                {"text": text.replace(b'"bytes":5,"name"', b'"name"')},
                {"text": text.replace(b'"bytes":5,"name"', b'"bytes":4,"name"')},
                {"text": text.replace(b'"bytes":5,"name"', b'"bytes":-5,"name"')},
                {"text": text.replace(b'"bytes":5,"name"', b'"bytes":5.0,"name"')}):
            with self.assertRaises(ctkpatch.PatchError, msg=str(damage)[:80]):
                opened(**damage)

    def test_truncated_and_flipped_files(self):
        with open(JOINED, "rb") as file:
            data = file.read()
        with tempfile.TemporaryDirectory() as folder:
            for place in range(0, len(data), 7):
                flipped = bytearray(data)
                flipped[place] ^= 0x10
                for damaged in (data[:place], bytes(flipped)):
                    with open(folder + "/p", "wb") as file:
                        file.write(damaged)
                    with self.assertRaises(Exception, msg=place):
                        ctkpatch.Patch(folder + "/p").files()

    def test_wrong_model(self):
        patch = ctkpatch.Patch(GOLDEN + "context.ctkpatch")
        with self.assertRaises(ctkpatch.PatchError):
            patch.apply(self.tuned)

    def test_truncated_and_flipped_blocks(self):
        patch = ctkpatch.Patch(GOLDEN + "context.ctkpatch")
        stream = patch.streams["tensor:a.weight"].data.tobytes()
        layout = ("F32", 96 * 72)
        source = self.base["a.weight"].data

        def decode(data):
            part = ctkpatch.UnitStream(ctkpatch.Cursor(data), "context", *layout, source)
            part.finish(ctkcontext.decode(part.blocks))
            return part.differences

        expected = decode(stream)
        for cut in range(1, len(stream), 311):
            with self.assertRaises(ctkpatch.PatchError):
                decode(stream[:-cut])
        for place in range(5, len(stream), 411):
            data = bytearray(stream)
            data[place] ^= 0x41
            try:
                found = decode(bytes(data))
            except ctkpatch.PatchError:
                continue
            self.assertFalse(np.array_equal(found, expected) and place > 400, place)

    def test_worked_examples(self):
        with open(ROOT + "/formats/context.md", encoding="utf-8") as file:
            blocks = file.read().split("```hex\n")[1:]
        small, real, _, shared, density = (
            bytes(int(byte, 16) for line in block.split("```")[0].splitlines()
                  for byte in line.split()[1:]) for block in blocks)
        (found,) = ctkcontext.decode([ctkcontext.Block(small, 0, 16, 1, False)])
        self.assertEqual(found[0].tolist(), [3, 9, 14])
        self.assertEqual(found[1].tolist(), [1, 255, 20])
        self.check_example(real, *real_sides())
        self.check_example(shared, *shared_sides())
        (found,) = ctkcontext.decode([ctkcontext.Block(density, 0, 4096, 1, False)])
        i, j = np.indices((64, 64))
        agrees = ((7 * i * i + 3 * i) % 31 - 15) * ((5 * j * j + j) % 29 - 14) > 40
        self.assertEqual(found[0].tolist(), np.flatnonzero(agrees).tolist())
        self.assertEqual(set(found[1].tolist()), {1})

    def check_example(self, block, base, change):
        row, column = np.indices(base.shape)
        is_changed = (row % 3 != 1) & (column % 4 != 2)
        target = np.where(is_changed, (base + change).astype(np.float32), base)
        sides = [side.astype("<f4").view("<u4").reshape(-1) for side in (base, target)]
        for is_target, source in enumerate(sides):
            (found,) = ctkcontext.decode(
                [ctkcontext.Block(block, 0, source.size, 4, True, source, bool(is_target))])
            self.assertEqual(found[0].tolist(), np.flatnonzero(is_changed).tolist())
            self.assertEqual(
                found[1].tolist(),
                [int(d) & 0xFFFFFFFF for d in np.subtract(
                    *map(ctkcontext.ordered, sides[::-1]))[found[0]]])

    def test_files_and_conversions(self):
        patch = ctkpatch.Patch(GOLDEN + "context.ctkpatch")
        arrays = {name: array for name, array in ctkpatch.to_arrays(self.base).items()
                  if self.base[name].dtype in ctkpatch.ARRAYS}
        again = ctkpatch.from_arrays(arrays)
        self.assertTrue(equal(again, {name: self.base[name] for name in arrays}))
        with tempfile.TemporaryDirectory() as folder:
            ctkpatch.save_safetensors(folder + "/m", patch.apply(self.base), {})
            self.assertTrue(equal(ctkpatch.load_safetensors(folder + "/m")[0], self.tuned))

    def test_state_dict(self):
        try:
            import torch
        except ImportError:
            self.skipTest("torch is not installed")
        patch = ctkpatch.Patch(GOLDEN + "context.ctkpatch")
        state = ctkpatch.to_state_dict(self.base)
        self.assertEqual(state["c.half"].dtype, torch.bfloat16)
        made = ctkpatch.to_state_dict(patch.apply(ctkpatch.from_state_dict(state)))
        self.assertTrue(equal(ctkpatch.from_state_dict(made), self.tuned))


if __name__ == "__main__":
    sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
    unittest.main()
