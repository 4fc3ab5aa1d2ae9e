"""The codec ``context`` of ctk patch files (see ../context.md), with numpy alone.

Blocks are decoded side by side: one array holds a state for every lane of every
block, so that the work of Python itself does not grow with the number of blocks.
"""

from typing import NamedTuple, Optional

import numpy as np


class PatchError(Exception):
    """A patch that is damaged, unsupported or does not fit the model."""


class Block(NamedTuple):
    """A block to decode."""

    data: bytes
    first: int  # index of its first unit in the tensor
    units: int
    unit_bytes: int
    is_f32: bool
    source: Optional[np.ndarray] = None  # its units on one side, as uint32
    is_target: bool = False  # whether that is the side after the change
    mask: Optional[np.ndarray] = None  # the mask's positions in the block, if there is one


FLOOR = 1 << 31
TABLE_BITS = 14
PIECE = 30
ALL, GAPS, GRID, MASK, DENSITY = 0, 1, 2, 3, 4
ORDERED, TOP, REAL, STEPS, SHORT, SHARED = 1, 2, 3, 4, 5, 6
ESCAPE, SHORT_ESCAPE = 128, 184


# Sections 3, 6, 7 and 8: heads


class Head:
    """Everything of a block that precedes its coded words."""

    def __init__(self, block):
        self.block, self.data, self.position = block, block.data, 0
        forms, lanes_log = self.byte(), self.byte()
        self.index_form, self.value_form = forms & 7, forms >> 3
        if self.index_form > DENSITY or self.value_form > SHARED:
            raise PatchError("a form of a later version")
        self.width = self.varint()
        self.count = block.units if self.index_form == ALL else self.varint()
        if lanes_log > 8 or not (1 <= self.width <= block.units <= 1 << 22
                                 and 1 <= self.count <= block.units):
            raise PatchError("a head that contradicts itself")
        self.lanes = 1 << lanes_log
        self.phase = block.first % self.width
        self.rows = (self.phase + block.units - 1) // self.width + 1
        self.factors, self.shifts, self.contexts = 0, [], 1
        if self.index_form == GAPS:
            self.gaps = self.table(84)
        elif self.index_form == GRID:
            self.row_classes, self.column_classes = self.table(128), self.table(128)
            levels = self.row_classes.last + self.column_classes.last - 1
            if 0 in (self.row_classes.last, self.column_classes.last):
                raise PatchError("no class but the empty one")
            self.odds = np.array([probability(code) for code in self.codes(levels)], np.int64)
        elif self.index_form == DENSITY:
            self.read_density()
        if self.value_form >= REAL and not block.is_f32:
            raise PatchError("values of another dtype")
        if self.value_form in (REAL, SHARED):
            self.read_real()
        elif self.value_form in (STEPS, SHORT):
            self.read_rounded()
        if self.value_form:
            self.read_tables({ORDERED: 32 * block.unit_bytes - 4, TOP: 256, REAL: 129,
                              STEPS: 129, SHORT: 185, SHARED: 129}[self.value_form])
        rest = len(self.data) - self.position - 8 * self.lanes
        if rest < 0 or rest % 4:
            raise PatchError("a block of an odd length")
        self.states = np.frombuffer(self.data, "<u8", self.lanes, self.position)
        if self.states.min() < FLOOR or self.states.max() >> np.uint64(63):
            raise PatchError("a state out of range")
        self.words = np.frombuffer(self.data, "<u4", rest // 4, self.position + 8 * self.lanes)

    def check_factors(self, factors):
        if factors > 16 or factors * (self.rows + self.width) > 1 << 21:
            raise PatchError("too many factors")

    def read_density(self):
        self.line_steps = self.byte(), self.byte()
        if not all(1 <= step <= 64 for step in self.line_steps):
            raise PatchError("a step of lines out of range")
        self.row_classes, self.column_classes = self.table(128), self.table(128)
        factors = self.byte()
        self.check_factors(factors)
        self.density_shifts = [self.byte() for _ in range(factors)]
        if any(shift > 22 for shift in self.density_shifts):
            raise PatchError("a shift out of range")
        if factors:
            self.density_tables = self.table(44), self.table(44)
        lowest = self.varint()
        self.lowest = lowest >> 1 ^ -(lowest & 1)
        levels = self.byte()
        if not 1 <= levels <= 127:
            raise PatchError("levels out of range")
        self.odds = np.array([probability(code) for code in self.codes(levels)], np.int64)

    def read_real(self):
        self.cell_bits, self.grid, self.factors = self.byte(), self.byte(), self.byte()
        if self.cell_bits > 30 or self.grid > 254:
            raise PatchError("a head of real values out of range")
        self.check_factors(self.factors)
        self.shifts = [self.byte() for _ in range(self.factors)]
        if any(shift > 47 for shift in self.shifts):
            raise PatchError("a shift out of range")
        if self.factors:
            self.row_factors, self.column_factors = self.table(60), self.table(60)

    def read_rounded(self):
        self.grid = self.byte()
        if self.grid > 254:
            raise PatchError("a grid out of range")
        if self.value_form == STEPS:
            self.row_steps = self.table(204)

    def read_tables(self, limit):
        self.contexts = self.byte()
        if not 1 <= self.contexts <= 16:
            raise PatchError("contexts out of range")
        if self.contexts > 1:
            self.offset = self.byte()
            self.row_scales, self.column_scales = self.table(32), self.table(32)
        self.values = [self.table(limit) for _ in range(self.contexts)]

    def byte(self):
        if self.position >= len(self.data):
            raise PatchError("a block ends early")
        self.position += 1
        return self.data[self.position - 1]

    def varint(self):
        value = 0
        for shift in range(0, 28, 7):
            byte = self.byte()
            value |= (byte & 0x7F) << shift
            if byte < 0x80:
                return value
        raise PatchError("a number is too long")

    def codes(self, count):
        """Section 6.1."""
        window, held = 0, 0

        def take(bits):
            nonlocal window, held
            while held < bits:
                window |= self.byte() << held
                held += 8
            value = window & ((1 << bits) - 1)
            window >>= bits
            held -= bits
            return value

        parameter = take(3)
        codes = [take(7)]
        while True:
            if not 0 <= codes[-1] <= 126:
                raise PatchError("a code out of range")
            if len(codes) == count:
                return codes
            quotient = 0
            while take(1) and quotient < 256:
                quotient += 1
            step = quotient << parameter | take(parameter)
            codes.append(codes[-1] + (step >> 1 ^ -(step & 1)))

    def table(self, limit):
        """Section 6.2."""
        first, count = self.byte(), self.byte() + 1
        if first + count > limit:
            raise PatchError("a symbol out of range")
        codes = [1] if count == 1 else self.codes(count)
        if max(codes) == 0 or max(codes) > 63:
            raise PatchError("a weight out of range")
        weights = [4 + (code - 1) % 4 << (code - 1) // 4 if code else 0 for code in codes]
        used, total = sum(code > 0 for code in codes), sum(weights)
        frequencies = [1 + weight * ((1 << TABLE_BITS) - used) // total if weight else 0
                       for weight in weights]
        frequencies[codes.index(max(codes))] += (1 << TABLE_BITS) - sum(frequencies)
        return Table(first, np.array(frequencies, np.int64))


class Table:
    def __init__(self, first, frequencies):
        self.first, self.frequencies = first, frequencies
        self.last = first + len(frequencies) - 1
        self.starts = np.cumsum(frequencies) - frequencies

    def fill(self, slots, frequencies, starts):
        slots[:] = np.repeat(np.arange(len(self.frequencies)), self.frequencies) + self.first
        frequencies[self.first:self.last + 1] = self.frequencies
        starts[self.first:self.last + 1] = self.starts


def probability(code):
    """Section 6.3."""
    distance = abs(code - 63)
    weight = 4 + distance % 4 << distance // 4
    return max(1, 65536 * (weight if code >= 63 else 4) // (weight + 4))


# Section 4: lanes


class Lanes:
    """The states and words of some blocks that have equally many lanes."""

    def __init__(self, heads):
        self.lanes = heads[0].lanes
        self.state = np.stack([head.states for head in heads]).astype(np.int64)
        lengths = np.array([len(head.words) for head in heads])
        # A word too few is found out at the end; until then there is one to read.
        self.words = np.concatenate([head.words for head in heads] + [np.zeros(1, "<u4")])
        self.words = self.words.astype(np.int64)
        self.end = np.cumsum(lengths)
        self.next = self.end - lengths

    def finish(self):
        if (self.state != FLOOR).any() or (self.next != self.end).any():
            raise PatchError("a block does not end where it should")

    def order(self, counts):
        return Walk(self, np.asarray(counts))


class Walk:
    """A list of every block, a step at a time; blocks with more items come first."""

    def __init__(self, lanes, counts):
        self.all, self.width = lanes, lanes.lanes
        self.by_count = np.argsort(-counts, kind="stable")
        self.counts = counts[self.by_count]
        self.state, self.next = lanes.state[self.by_count], lanes.next[self.by_count]
        steps = -(-self.counts // self.width)
        self.steps = int(steps[0]) if len(steps) else 0
        active = len(counts) - np.searchsorted(
            steps[::-1], np.arange(self.steps), side="right")
        self.active = active
        self.begin = np.concatenate([[0], np.cumsum(active)]) * self.width
        self.places = [None] * len(counts)
        for rank, block in enumerate(self.by_count):
            own = (self.begin[:steps[rank], None] + rank * self.width + np.arange(self.width))
            self.places[block] = own.reshape(-1)[:self.counts[rank]]

    def spread(self, lists, dtype=np.int64):
        """One array of the items of all blocks, in the order of steps and blocks."""
        flat = np.zeros(self.begin[-1], dtype)
        for places, items in zip(self.places, lists):
            flat[places] = items
        return flat

    def gather(self, flat):
        return [flat[places] for places in self.places]

    def __iter__(self):
        lane = np.arange(self.width)
        for step in range(self.steps):
            active = self.active[step]
            left = self.counts[:active] - step * self.width
            valid = None if left[-1] >= self.width else lane < left[:, None]
            yield Step(self, slice(self.begin[step], self.begin[step + 1]), active, valid)
        self.all.state[self.by_count] = self.state
        self.all.next[self.by_count] = self.next


class Step:
    def __init__(self, walk, items, active, valid):
        self.walk, self.items, self.active, self.valid = walk, items, active, valid
        self.state = walk.state[:active]

    def of(self, flat):
        return flat[self.items].reshape(self.active, -1)

    def put(self, state, reads=None):
        """Refills the new states and keeps those of items that were read."""
        if self.valid is not None:
            reads = self.valid if reads is None else reads & self.valid
        if reads is not None:
            state = np.where(reads, state, self.state)
        low = state < FLOOR
        if reads is not None:
            low &= reads
        taken = np.cumsum(low, axis=1)
        walk, active = self.walk, self.active
        places = (walk.next[:active, None] + taken - 1)[low]
        words = walk.all.words
        state[low] = state[low] << 32 | words[np.minimum(places, len(words) - 1)]
        walk.next[:active] += taken[:, -1]
        self.state[:] = state

    def decision(self, chance):
        slot, quotient = self.state & 0xFFFF, self.state >> 16
        zero = 65536 - chance
        is_set = slot >= zero
        self.put(np.where(is_set, chance * quotient + slot - zero, zero * quotient + slot))
        return is_set

    def symbol(self, tables, which):
        slots, frequencies, starts = tables
        slot = self.state & ((1 << TABLE_BITS) - 1)
        symbol = slots[which, slot].astype(np.int64)
        self.put(frequencies[which, symbol] * (self.state >> TABLE_BITS) + slot
                 - starts[which, symbol])
        return symbol

    def bits(self, count):
        """Raw bits; items of which none are wanted are passed over."""
        value = self.state & ((1 << count) - 1)
        self.put(self.state >> count, count > 0)
        return value


def stack(tables):
    slots = np.zeros((len(tables), 1 << TABLE_BITS), np.uint8)
    frequencies, starts = (np.zeros((len(tables), 257), np.int64) for _ in range(2))
    for table, *rows in zip(tables, slots, frequencies, starts):
        table.fill(*rows)
    return slots, frequencies, starts


def read_symbols(lanes, tables, counts):
    walk = lanes.order(counts)
    stacked = stack(tables)
    which = walk.spread([np.full(count, i) for i, count in enumerate(counts)])
    result = np.zeros(walk.begin[-1], np.int64)
    for step in walk:
        result[step.items] = step.symbol(stacked, step.of(which)).reshape(-1)
    return walk.gather(result)


# Section 5


BUCKET = np.arange(256)
BUCKET_BITS = np.where(BUCKET < 8, 0, BUCKET // 4 - 1)
BUCKET_FIRST = np.where(BUCKET < 4, BUCKET, (4 + BUCKET % 4) << np.minimum(BUCKET_BITS, 59))
UNSIGNED_FIRST = np.array(
    [b if b < 4 else (4 + b % 4 << b // 4 - 1) & (1 << 64) - 1 for b in range(256)], np.uint64)


def read_numbers(lanes, tables, counts):
    """Numbers below 2^62 with one piece of raw bits."""
    walk = lanes.order(counts)
    stacked = stack(tables)
    which = walk.spread([np.full(count, i) for i, count in enumerate(counts)])
    result = np.zeros(walk.begin[-1], np.int64)
    for step in walk:
        bucket = step.symbol(stacked, step.of(which))
        result[step.items] = (
            BUCKET_FIRST[bucket] + step.bits(BUCKET_BITS[bucket])).reshape(-1)
    return walk.gather(result)


def from_zigzag(values):
    return values >> 1 ^ -(values & 1)


# Section 7


def read_positions(lanes, heads):
    positions = [np.arange(head.count) for head in heads]
    chosen = [i for i, head in enumerate(heads) if head.index_form == GAPS]
    if chosen:
        gaps = read_some(lanes, chosen, lambda part: read_numbers(
            part, [heads[i].gaps for i in chosen], [heads[i].count for i in chosen]))
        for i, own in zip(chosen, gaps):
            positions[i] = np.cumsum(own + 1) - 1
    chosen = [i for i, head in enumerate(heads) if head.index_form == GRID]
    if chosen:
        found = read_some(lanes, chosen, lambda part: read_grid(part, [heads[i] for i in chosen]))
        for i, own in zip(chosen, found):
            positions[i] = own
    chosen = [i for i, head in enumerate(heads) if head.index_form == DENSITY]
    if chosen:
        found = read_some(
            lanes, chosen, lambda part: read_density(part, [heads[i] for i in chosen]))
        for i, own in zip(chosen, found):
            positions[i] = own
    for i, head in enumerate(heads):
        if head.index_form == MASK:
            if head.block.mask is None:
                raise PatchError("positions are those of a mask that is not at hand")
            positions[i] = head.block.mask
    for head, own in zip(heads, positions):
        if len(own) != head.count or own[-1] >= head.block.units:
            raise PatchError("positions lie outside their block")
    return positions


def read_some(lanes, chosen, read):
    """Reads from some blocks only."""
    part = object.__new__(Lanes)
    part.lanes, part.words = lanes.lanes, lanes.words
    part.state, part.next = lanes.state[chosen], lanes.next[chosen]
    result = read(part)
    lanes.state[chosen], lanes.next[chosen] = part.state, part.next
    return result


def read_grid(lanes, heads):
    places = []
    for head, row, column in zip(heads, *read_classes(lanes, heads)):
        rows, columns = np.flatnonzero(row), np.flatnonzero(column)
        level = row[rows][:, None] + column[columns] - 2
        places.append((rows, columns, level))
    return read_decisions(lanes, heads, places)


def read_classes(lanes, heads):
    rows = read_symbols(lanes, [head.row_classes for head in heads], [h.rows for h in heads])
    return rows, read_symbols(
        lanes, [head.column_classes for head in heads], [head.width for head in heads])


def read_density(lanes, heads):
    """Section 7.1."""
    classes = read_classes(lanes, heads)
    active = [[np.flatnonzero(own) for own in lines] for lines in classes]
    factors = [read_density_factors(lanes, heads, kind, active[kind]) for kind in (0, 1)]
    places = []
    for i, head in enumerate(heads):
        row, column = (step * lines[i][own[i]]
                       for step, lines, own in zip(head.line_steps, classes, active))
        level = row[:, None] + column - head.lowest
        for shift, own_row, own_column in zip(head.density_shifts, factors[0][i], factors[1][i]):
            level += (own_row[:, None] * own_column + (1 << shift >> 1)) >> shift
        places.append((active[0][i], active[1][i], np.clip(level, 0, len(head.odds) - 1)))
    return read_decisions(lanes, heads, places)


def read_density_factors(lanes, heads, kind, active):
    """Of each block, the numbers of its active lines for each factor."""
    factors = [[] for _ in heads]
    for i, _, own in read_factors(
            lanes, [len(head.density_shifts) for head in heads],
            lambda i: heads[i].density_tables[kind], [len(own) for own in active]):
        factors[i].append(own)
    return factors


def read_factors(lanes, factors, table_of, counts):
    """Yields a block, a factor and its signed numbers, for all factors of all blocks."""
    for factor in range(max(factors)):
        chosen = [i for i, own in enumerate(factors) if own > factor]
        tables, own_counts = [table_of(i) for i in chosen], [counts[i] for i in chosen]
        for i, own in zip(chosen, read_some(
                lanes, chosen, lambda part: read_numbers(part, tables, own_counts))):
            yield i, factor, from_zigzag(own)


def read_decisions(lanes, heads, places):
    """The units of the places, given by rows, columns and levels, that are decided for."""
    units, chances = [], []
    for head, (rows, columns, level) in zip(heads, places):
        unit = (rows[:, None] * head.width + columns - head.phase).reshape(-1)
        inside = (unit >= 0) & (unit < head.block.units)
        units.append(unit[inside])
        chances.append(head.odds[level.reshape(-1)[inside]])
    walk = lanes.order([len(unit) for unit in units])
    chance = walk.spread(chances)
    is_set = np.zeros(walk.begin[-1], bool)
    for step in walk:
        is_set[step.items] = step.decision(step.of(chance)).reshape(-1)
    return [unit[own] for unit, own in zip(units, walk.gather(is_set))]


# Section 8


class Lines:
    """The row and column of each coded unit, and what is known of them."""

    def __init__(self, head, positions):
        place = head.phase + positions
        self.row, self.column = place // head.width, place % head.width
        self.active = [np.unique(self.row), np.unique(self.column)]
        self.scales = [np.zeros(head.rows, np.int64), np.zeros(head.width, np.int64)]
        self.steps = np.zeros(head.rows, np.int64)
        self.factors = [np.zeros((head.factors, size), np.int64)
                        for size in (head.rows, head.width)]


def read_lines(lanes, heads, positions):
    lines = [Lines(head, own) for head, own in zip(heads, positions)]
    for kind, (scales, factors) in enumerate(
            [("row_scales", "row_factors"), ("column_scales", "column_factors")]):
        chosen = [i for i, head in enumerate(heads) if head.contexts > 1]
        counts = [len(lines[i].active[kind]) for i in chosen]
        if chosen:
            tables = [getattr(heads[i], scales) for i in chosen]
            for i, own in zip(chosen, read_some(
                    lanes, chosen, lambda part: read_symbols(part, tables, counts))):
                lines[i].scales[kind][lines[i].active[kind]] = own
        if kind == 0 and heads[0].value_form == STEPS:
            counts = [len(own.active[0]) for own in lines]
            for own, codes in zip(lines, read_symbols(
                    lanes, [head.row_steps for head in heads], counts)):
                own.steps[own.active[0]] = (4 + codes % 4) << codes // 4
        for i, factor, own in read_factors(
                lanes, [head.factors for head in heads], lambda i: getattr(heads[i], factors),
                [len(own.active[kind]) for own in lines]):
            lines[i].factors[kind][factor, lines[i].active[kind]] = own
    return lines


def contexts_of(head, lines):
    if head.contexts == 1:
        return np.zeros(head.count, np.int64)
    total = lines.scales[0][lines.row] + lines.scales[1][lines.column] - head.offset
    return np.clip(total, 0, head.contexts - 1)


# Section 9


def read_values(lanes, heads, positions):
    """The differences of blocks of one value form and unit."""
    lines = read_lines(lanes, heads, positions)
    tables, first = [], []
    for head in heads:
        first.append(len(tables))
        tables += head.values
    walk = lanes.order([head.count for head in heads])
    stacked = stack(tables)
    which = walk.spread(
        [start + contexts_of(head, own) for start, head, own in zip(first, heads, lines)])
    if heads[0].value_form == REAL:
        return read_reals(walk, stacked, which, heads, positions, lines)
    if heads[0].value_form == SHARED:
        return read_shared(lanes, walk, stacked, which, heads, positions, lines)
    if heads[0].value_form > REAL:
        return read_rounded(walk, stacked, which, heads, positions, lines)
    unit_bytes = heads[0].block.unit_bytes
    low_bits = 8 * unit_bytes - 8
    result = np.zeros(walk.begin[-1], np.uint64)
    is_top = heads[0].value_form == TOP
    for step in walk:
        symbol = step.symbol(stacked, step.of(which))
        if is_top:
            value = symbol.astype(np.uint64) << np.uint64(low_bits)
            bits = np.full(symbol.shape, low_bits)
        else:
            value, bits = UNSIGNED_FIRST[symbol], BUCKET_BITS[symbol]
        for done in range(0, low_bits if is_top else 8 * unit_bytes - 3, PIECE):
            piece = step.bits(np.clip(bits - done, 0, PIECE))
            value = value + (piece.astype(np.uint64) << np.uint64(done))
        result[step.items] = value.reshape(-1)
    one = np.uint64(1)
    result = (result >> one) ^ (~(result & one) + one)
    return [own.astype(f"<u{unit_bytes}") for own in walk.gather(result)]


REVERSED = np.array([int(f"{i:015b}"[::-1], 2) for i in range(1 << 15)], np.int64)


def reverse(value, count):
    return (REVERSED[value & 0x7FFF] << 15 | REVERSED[value >> 15]) >> (30 - count)


def low(number, cell_bits):
    """``low`` of section 9.3."""
    folded = np.where(number < 0, -number - 1, number)
    length = np.frexp(folded.astype(np.float64))[1]
    return np.where(length <= np.maximum(cell_bits, 24), 0, length - 24)


def ordered(bits):
    bits = bits.astype(np.int64)
    return np.where(bits >> 31, ~bits & 0xFFFFFFFF, bits | 0x80000000)


def prediction(head, lines):
    total = np.zeros(head.count, np.int64)
    for factor, shift in enumerate(head.shifts):
        product = (lines.factors[0][factor, lines.row]
                   * lines.factors[1][factor, lines.column]) << 16
        total += (product + (1 << shift >> 1)) >> shift
    return total


def sources_of(heads, positions):
    """The bits of each coded unit on the side at hand, and its integer."""
    sources = []
    for head, own in zip(heads, positions):
        if head.block.source is None:
            raise PatchError("values are coded against a tensor that is not at hand")
        bits = head.block.source[own]
        with np.errstate(invalid="ignore", over="ignore"):
            number = bits.view("<f4").astype(np.float64) * 2.0 ** (149 - head.grid)
        number = np.where(np.abs(number) < 2.0 ** 53, number, 0).astype(np.int64)
        sources.append((bits, number))
    return sources


def differences_of(head, bits, numbers, is_escape):
    """Differences, from the integers of the other side or, escaped, themselves."""
    made = np.where(is_escape, 0, numbers).astype(np.float64) * 2.0 ** (head.grid - 149)
    with np.errstate(over="ignore"):
        rounded = made.astype(np.float32)
    limit = 2.0 ** 53 * 2.0 ** (head.grid - 149)
    if (rounded != made).any() or (np.abs(made) >= limit).any():
        raise PatchError("a value that no float has")
    change = ordered(rounded.view("<u4")) - ordered(bits)
    change = np.where(is_escape, numbers, -change if head.block.is_target else change)
    return (change & 0xFFFFFFFF).astype("<u4")


def read_reals(walk, stacked, which, heads, positions, lines):
    sources = [(bits, -number if head.block.is_target else number)
               for head, (bits, number) in zip(heads, sources_of(heads, positions))]
    number = walk.spread([own for _, own in sources])
    cell_bits = walk.spread([np.full(head.count, head.cell_bits) for head in heads])
    expected = walk.spread([prediction(head, own) for head, own in zip(heads, lines)])
    known = np.minimum(cell_bits, low(-number, cell_bits))
    result = np.zeros(walk.begin[-1], np.int64)
    escaped = np.zeros(walk.begin[-1], bool)
    for step in walk:
        symbol = step.symbol(stacked, step.of(which))
        is_escape = symbol == ESCAPE
        cells, start = step.of(cell_bits), step.of(known)
        extra = step.bits(np.where(is_escape, 16, BUCKET_BITS[symbol]))
        cell = from_zigzag(BUCKET_FIRST[symbol] + extra) + step.of(expected)
        count = cells - start
        state = step.state
        piece = state & ((1 << count) - 1)
        target = (step.of(number) + (cell << cells)
                  + (reverse(piece, count) << start))
        wanted = np.minimum(start, low(target, cells))
        second = state >> count & ((1 << (start - wanted)) - 1)
        target = target + (reverse(second, start - wanted) << wanted)
        high = state & 0xFFFF
        step.put(state >> np.where(is_escape, 16, cells - wanted))
        result[step.items] = np.where(
            is_escape, from_zigzag(extra | high << 16), target).reshape(-1)
        escaped[step.items] = is_escape.reshape(-1)
    return [differences_of(head, bits, np.where(is_escape | (not head.block.is_target), own, -own),
                           is_escape)
            for head, (bits, _), own, is_escape in zip(
                heads, sources, walk.gather(result), walk.gather(escaped))]


def low_of_cell(cell, cell_bits):
    """``low`` of all numbers of a cell."""
    length = np.frexp(np.where(cell < 0, -cell - 1, cell).astype(np.float64))[1]
    return np.where(length > 0, np.clip(length + cell_bits - 24, 0, cell_bits), 0)


def read_shared(lanes, walk, stacked, which, heads, positions, lines):
    """Section 9.5."""
    sources = sources_of(heads, positions)
    number = walk.spread([own for _, own in sources])
    cell_bits = walk.spread([np.full(head.count, head.cell_bits) for head in heads])
    sign = walk.spread([np.full(head.count, -1 if head.block.is_target else 1) for head in heads])
    expected = walk.spread([prediction(head, own) for head, own in zip(heads, lines)])
    own_cell, own_low = number >> cell_bits, number & ((1 << cell_bits) - 1)
    own_lowest = low_of_cell(own_cell, cell_bits)
    result, given, lacks, lowest = np.zeros((4, walk.begin[-1]), np.int64)
    escaped = np.zeros(walk.begin[-1], bool)
    for step in walk:
        symbol = step.symbol(stacked, step.of(which))
        is_escape = symbol == ESCAPE
        extra = step.bits(np.where(is_escape, 16, BUCKET_BITS[symbol]))
        distance = from_zigzag(BUCKET_FIRST[symbol] + extra) + step.of(expected)
        cells = step.of(cell_bits)
        cell = step.of(own_cell) + step.of(sign) * distance
        first = low_of_cell(cell, cells)
        shared = np.maximum(first, step.of(own_lowest))
        piece = step.bits(np.where(is_escape, 16, cells - shared))
        value = cell << cells | (step.of(own_low) >> shared ^ piece) << shared
        result[step.items] = np.where(
            is_escape, from_zigzag(extra | piece << 16), value).reshape(-1)
        given[step.items] = np.where(is_escape, 0, shared - step.of(own_lowest)).reshape(-1)
        lacks[step.items] = np.where(is_escape, 0, shared - first).reshape(-1)
        lowest[step.items] = first.reshape(-1)
        escaped[step.items] = is_escape.reshape(-1)
    bits = [bits_of(low >> first, count) for low, first, count in zip(
        *map(walk.gather, (own_low, own_lowest, given)))]
    lacking = walk.gather(lacks)
    numbers = [own + (low << first) for own, low, first in zip(
        walk.gather(result), read_last_bits(lanes, bits, lacking), walk.gather(lowest))]
    return [differences_of(head, bits, own, is_escape)
            for head, (bits, _), own, is_escape in zip(
                heads, sources, numbers, walk.gather(escaped))]


def bits_of(values, counts):
    """The ``counts`` lowest bits of all values, one after the other."""
    place = np.arange(counts.sum()) - np.repeat(np.cumsum(counts) - counts, counts)
    return np.repeat(values, counts) >> place & 1


def read_last_bits(lanes, given, lacking):
    """The last bits that the other side of each unit lacks, by what this side has."""
    totals = [max(len(own), counts.sum()) for own, counts in zip(given, lacking)]
    lengths = [np.clip(total - np.arange(0, total, PIECE), 0, PIECE) for total in totals]
    walk = lanes.order([len(own) for own in lengths])
    length = walk.spread(lengths)
    pieces = np.zeros(walk.begin[-1], np.int64)
    for step in walk:
        pieces[step.items] = step.bits(step.of(length)).reshape(-1)
    result = []
    for own, counts, lengths, read in zip(given, lacking, lengths, walk.gather(pieces)):
        bits = bits_of(read, lengths)
        bits[:len(own)] ^= own
        if bits[counts.sum():].any():
            raise PatchError("last bits beyond the last unit")
        ends = np.cumsum(counts)
        place = np.arange(ends[-1]) - np.repeat(ends - counts, counts)
        sums = np.concatenate([[0], np.cumsum(bits[:ends[-1]] << place)])
        result.append(sums[ends] - sums[ends - counts])
    return result


def truncated(number):
    return number >> low(number, 0) << low(number, 0)


def short_change(number):
    code = number >> 1
    octave = np.maximum((code >> 7) - 1, 0)
    magnitude = np.where(code < 128, code, (128 + (code & 127)) << octave)
    return np.where(number & 1, -magnitude, magnitude)


def read_rounded(walk, stacked, which, heads, positions, lines):
    """Section 9.4."""
    is_short = heads[0].value_form == SHORT
    sources = sources_of(heads, positions)
    number = walk.spread([own for _, own in sources])
    is_target = walk.spread([np.full(head.count, head.block.is_target) for head in heads], bool)
    steps = walk.spread([own.steps[own.row] for own in lines])
    result = np.zeros(walk.begin[-1], np.int64)
    escaped, wrong = np.zeros((2, walk.begin[-1]), bool)
    for step in walk:
        symbol = step.symbol(stacked, step.of(which))
        is_escape = symbol == (SHORT_ESCAPE if is_short else ESCAPE)
        own_bits = 6 if is_short else BUCKET_BITS[symbol]
        extra = step.bits(np.where(is_escape, 16, own_bits))
        if is_short:
            change = short_change(symbol << 6 | extra)
        else:
            change = (2 * from_zigzag(BUCKET_FIRST[symbol] + extra) + 1) * step.of(steps)
        source, reverts = step.of(number), step.of(is_target)
        target = np.where(reverts, source, truncated(source + change))
        lost, lowest = low(target, 0), target - change
        shift = np.minimum(low(lowest, 0), low(lowest + (1 << lost) - 1, 0))
        count = np.clip(lost - shift, 0, PIECE)
        state = step.state
        first = (lowest + (1 << shift) - 1) >> shift
        origin = first + (state & ((1 << count) - 1)) << shift
        high = state & 0xFFFF
        step.put(state >> np.where(is_escape, 16, count))
        bad = np.where(reverts, truncated(origin + change) != target, origin != source)
        result[step.items] = np.where(is_escape, from_zigzag(extra | high << 16),
                                      np.where(reverts, origin, target)).reshape(-1)
        escaped[step.items] = is_escape.reshape(-1)
        wrong[step.items] = (bad & ~is_escape).reshape(-1)
    if any(own.any() for own in walk.gather(wrong)):
        raise PatchError("a value that does not lead back")
    return [differences_of(head, bits, own, is_escape)
            for head, (bits, _), own, is_escape in zip(
                heads, sources, walk.gather(result), walk.gather(escaped))]


def decode(blocks):
    """Positions (None for all units) and differences of blocks.

    The blocks may come from many tensors; the more there are, the faster each is.
    """
    heads = [Head(block) for block in blocks]
    if not all(head.value_form for head in heads):
        raise PatchError("a block has no values")
    results = [None] * len(blocks)
    for group in groups_of(
            heads, lambda head: (head.lanes, head.value_form, head.block.unit_bytes)):
        own = [heads[i] for i in group]
        lanes = Lanes(own)
        positions = read_positions(lanes, own)
        differences = read_values(lanes, own, positions)
        lanes.finish()
        for i, head, position, difference in zip(group, own, positions, differences):
            results[i] = (None if head.index_form == ALL else position, difference)
    return results


def decode_positions(blocks):
    """Positions of blocks of a mask, which have no values."""
    heads = [Head(block) for block in blocks]
    if any(head.value_form or head.index_form == MASK for head in heads):
        raise PatchError("a block of a mask has values, or needs another mask")
    results = [None] * len(blocks)
    for group in groups_of(heads, lambda head: head.lanes):
        own = [heads[i] for i in group]
        lanes = Lanes(own)
        positions = read_positions(lanes, own)
        lanes.finish()
        for i, position in zip(group, positions):
            results[i] = position
    return results


def groups_of(heads, key):
    """Indices of the heads that have a key in common."""
    groups = {}
    for i, head in enumerate(heads):
        groups.setdefault(key(head), []).append(i)
    return groups.values()
