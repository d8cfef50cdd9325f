"""Draws icon.png and logo.png, the same each time: `pip install pillow && python packaging/homeassistant/draw.py`.

A message with a code in it, as it comes on a phone. Everything is drawn four times as large and made smaller, so that
edges are smooth.
"""

from __future__ import annotations

from pathlib import Path

from PIL import Image, ImageDraw, ImageFont

HERE = Path(__file__).parent
LARGER = 4
BLUE, DEEP, WHITE = (3, 169, 244), (2, 119, 189), (255, 255, 255)


def icon(size: int) -> Image.Image:
    """A square tile with a speech bubble; in the bubble three digits of a code, and one that is still to come."""
    side = size * LARGER
    tile = Image.new("RGB", (side, side))
    shade = ImageDraw.Draw(tile)
    for row in range(side):
        part = row / side
        colour = tuple(round(a + (b - a) * part) for a, b in zip(BLUE, DEEP, strict=True))
        shade.line([(0, row), (side, row)], fill=colour)
    corners = Image.new("L", (side, side))
    ImageDraw.Draw(corners).rounded_rectangle((0, 0, side - 1, side - 1), radius=side * 0.2, fill=255)
    picture = Image.new("RGBA", (side, side))
    picture.paste(tile, mask=corners)
    draw = ImageDraw.Draw(picture)
    draw.rounded_rectangle((side * 0.13, side * 0.22, side * 0.87, side * 0.67), radius=side * 0.1, fill=WHITE)
    draw.polygon([(side * 0.27, side * 0.6), (side * 0.27, side * 0.83), (side * 0.5, side * 0.64)], fill=WHITE)
    font = ImageFont.load_default(side * 0.27)
    for place, digit in enumerate("427"):
        middle = (side * (0.245 + 0.17 * place), side * 0.445)
        draw.text(middle, digit, fill=DEEP, font=font, anchor="mm", stroke_width=side // 160)
    x, y, radius = side * 0.755, side * 0.445, side * 0.055
    draw.ellipse((x - radius, y - radius, x + radius, y + radius), fill=BLUE)
    return picture.resize((size, size), Image.Resampling.LANCZOS)


def logo(width: int, height: int) -> Image.Image:
    """The icon, and the name beside it, readable on light and on dark."""
    picture = Image.new("RGBA", (width * LARGER, height * LARGER))
    side = (height - 20) * LARGER
    picture.paste(icon(height - 20).resize((side, side), Image.Resampling.LANCZOS), (8 * LARGER, 10 * LARGER))
    draw = ImageDraw.Draw(picture)
    left = side + 20 * LARGER
    for text, colour, size, middle in (("Shomare", BLUE, 36, 0.41), ("MQTT", DEEP, 22, 0.7)):
        font = ImageFont.load_default(size * LARGER)
        draw.text((left, height * LARGER * middle), text, fill=colour, font=font, anchor="lm", stroke_width=2)
    return picture.resize((width, height), Image.Resampling.LANCZOS)


if __name__ == "__main__":
    icon(128).save(HERE / "icon.png", optimize=True)
    logo(250, 100).save(HERE / "logo.png", optimize=True)
