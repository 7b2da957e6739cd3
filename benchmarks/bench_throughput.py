"""How many items a second does one core read and turn into features, with the default extractors?

Short sentences through TF-IDF (fit and transform), JPEG pictures of 128 x 128 pixels, WAV sounds of five seconds at
16,000 samples per second, and H.264 clips of two seconds at 320 x 240. Bytes are decoded each time. Each item is timed
several times in CPU seconds and its best time counts, since other work on a machine only adds to it. The question is
lost where a figure is below its bar.

    python benchmarks/bench_throughput.py [repeats]
"""

import io
import json
import os
import sys
import time
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")  # one core

import av  # noqa: E402
import numpy as np  # noqa: E402
import soundfile  # noqa: E402
from PIL import Image  # noqa: E402

from ensemble_mm import AudioExtractor, ImageExtractor, TextExtractor, VideoExtractor  # noqa: E402

BARS = {"text": 20_000, "image": 300, "sound": 300, "video": 60}


def sentences(rng, n=20_000):
    """Sentences of 6 to 14 words, whose frequencies fall as those of a language do."""
    words = ["".join(rng.choice(list("abcdefghijklmnopqrstuvwxyz"), rng.integers(2, 9))) for _ in range(5000)]
    shares = 1 / np.arange(1, len(words) + 1)
    return [" ".join(rng.choice(words, rng.integers(6, 15), p=shares / shares.sum())) for _ in range(n)]


def pictures(rng, n=20, side=128):
    """Coarse noise, smoothed: JPEG bytes."""
    out = []
    for _ in range(n):
        buffer = io.BytesIO()
        coarse = rng.integers(0, 256, size=(16, 16, 3), dtype=np.uint8)
        Image.fromarray(coarse).resize((side, side), 2).save(buffer, "JPEG")
        out.append(buffer.getvalue())
    return out


def sounds(rng, n=10, rate=16_000):
    """A tone in noise: WAV bytes."""
    out = []
    for i in range(n):
        buffer = io.BytesIO()
        samples = 0.3 * np.sin(np.arange(5 * rate) * 0.05 * (1 + i / n)) + 0.05 * rng.normal(size=5 * rate)
        soundfile.write(buffer, samples, rate, format="WAV", subtype="PCM_16")
        out.append(buffer.getvalue())
    return out


def clips(rng, n=6):
    """A view that moves to the right over a large picture: MP4 bytes."""
    out = []
    for _ in range(n):
        buffer = io.BytesIO()
        coarse = rng.integers(0, 256, size=(12, 18, 3), dtype=np.uint8)
        scene = np.asarray(Image.fromarray(coarse).resize((480, 240), 2))
        with av.open(buffer, "w", format="mp4") as container:
            stream = container.add_stream("libx264", rate=25)
            stream.width, stream.height, stream.pix_fmt = 320, 240, "yuv420p"
            for i in range(50):
                frame = np.ascontiguousarray(scene[:, 2 * i : 2 * i + 320])
                container.mux(stream.encode(av.VideoFrame.from_ndarray(frame, format="rgb24")))
            container.mux(stream.encode(None))
        out.append(buffer.getvalue())
    return out


def rate_of(call, parts, repeats):
    """Return items a CPU second: the best time of every part counts."""
    call(parts[0])
    best = [np.inf] * len(parts)
    for _ in range(repeats):
        for i, part in enumerate(parts):
            started = time.process_time()
            call(part)
            best[i] = min(best[i], time.process_time() - started)
    return sum(map(len, parts)) / sum(best)


def main(repeats=15):
    """Time the four, print a table and write benchmarks/results/throughput.json."""
    rng = np.random.default_rng(0)
    texts = sentences(rng)
    rates = {
        "text": rate_of(lambda part: TextExtractor().fit_transform(part), [texts], max(2, repeats // 5)),
        "text, fitted": rate_of(TextExtractor().fit(texts).transform,
                                [texts[i : i + 1000] for i in range(0, 20_000, 1000)], max(2, repeats // 5)),
        "image": rate_of(ImageExtractor().transform, [[item] for item in pictures(rng)], repeats),
        "sound": rate_of(AudioExtractor().transform, [[item] for item in sounds(rng)], repeats),
        "video": rate_of(VideoExtractor().transform, [[item] for item in clips(rng)], repeats),
    }  # fmt: skip
    result = {name: {"items_a_second": rate, "bar": BARS.get(name)} for name, rate in rates.items()}
    for name, row in result.items():
        bar = "" if row["bar"] is None else f"bar {row['bar']}" + " MISSED" * (row["items_a_second"] < row["bar"])
        print(f"{name:14} {row['items_a_second']:9.0f} a second   {bar}")
    folder = Path(__file__).parent / "results"
    folder.mkdir(exist_ok=True)
    (folder / "throughput.json").write_text(json.dumps(result, indent=1))
    return result


if __name__ == "__main__":
    main(*(int(argument) for argument in sys.argv[1:]))
