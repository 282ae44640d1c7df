"""Made-up tables to train on, and rows to predict that ask what is easily got wrong."""

import numpy as np

COLUMNS = 8
ROWS = 800
ASKED = 150
#: Tables with categories have them in these columns, so many in each.
CATEGORIES = {0: 3, 1: 12, 2: 70}


def table(seed: int, missing: float = 0.0, categories: bool = False, single: bool = True) -> tuple[np.ndarray, np.ndarray]:
    """Columns of several kinds, and a number that they lead to."""
    generator = np.random.default_rng(seed)
    columns = [
        generator.normal(0, 1, ROWS),
        generator.integers(0, 5, ROWS),
        generator.exponential(1000, ROWS).round(2),
        np.where(generator.random(ROWS) < 0.6, 0, generator.normal(0, 2, ROWS)),
        generator.uniform(-1e-3, 1e-3, ROWS),
        generator.choice([0.1, 0.2, 0.3, 1e6], ROWS),
        generator.integers(-3, 4, ROWS),
        generator.normal(50, 10, ROWS),
    ]
    x = np.column_stack(columns).astype(np.float64)
    if categories:
        for column, count in CATEGORIES.items():
            x[:, column] = generator.integers(0, count, ROWS)
    if single:
        x = x.astype(np.float32).astype(np.float64)
    effect = np.sin(3 * x[:, 0]) + 0.4 * x[:, 1] % 3 + np.log1p(x[:, 2]) / 3 + (x[:, 3] != 0) + 300 * x[:, 4]
    y = effect + 0.05 * x[:, 6] ** 2 + generator.normal(0, 0.3, ROWS)
    x[generator.random(x.shape) < missing] = np.nan
    return x, y


def asked(x: np.ndarray, thresholds: dict[int, list[float]], single: bool) -> np.ndarray:
    """Rows of the table, and rows with values at, just below and just above what trees split at, zeros, everything missing,
    very small, large and negative numbers, and categories that are unknown, negative or no whole numbers."""
    generator = np.random.default_rng(7)
    rows = [x[:ASKED]]
    kind = np.float32 if single else np.float64
    edges = x[generator.integers(0, len(x), 60)].copy()
    for row in edges:
        for column, values in thresholds.items():
            at = kind(generator.choice(values))
            near = [at, np.nextafter(at, kind(-np.inf)), np.nextafter(at, kind(np.inf))]
            row[column] = float(near[generator.integers(0, 3)])
    rows.append(edges)
    fixed = [0.0, -0.0, np.nan, 1e-36, -1e-36, 1e-35, 1e-30, 1e9, -1e9, 3e38, -3e38, -1.0, -0.5, 0.5, 1.7, 2.0, 69.0, 70.0, 71.0, 127.0, 2147483648.0]
    rows.append(np.repeat(np.array(fixed)[:, None], x.shape[1], axis=1))
    mixed = x[generator.integers(0, len(x), 60)].copy()
    for row in mixed:
        for column in generator.integers(0, x.shape[1], 3):
            row[column] = generator.choice(fixed)
    rows.append(mixed)
    # No number of JSON is infinite, and XGBoost takes none.
    every = np.clip(np.concatenate(rows), -np.finfo(kind).max, np.finfo(kind).max)
    if single:
        every = every.astype(np.float32).astype(np.float64)
    return every
