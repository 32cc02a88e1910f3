"""Template tags of the pages' kit: controls of forms, amounts, days, drawn figures. All text is escaped here."""

from datetime import date, datetime
from typing import Any

from django import template
from django.forms import (
    BoundField,
    CheckboxInput,
    CheckboxSelectMultiple,
    ClearableFileInput,
    FileInput,
    RadioSelect,
    Select,
    Textarea,
    Widget,
)
from django.utils import formats, timezone
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from foundation.reference.amounts import format_amount

register = template.Library()

CLASSES: tuple[tuple[type[Widget] | tuple[type[Widget], ...], str], ...] = (
    (RadioSelect, "govuk-radios__input"),
    ((CheckboxInput, CheckboxSelectMultiple), "govuk-checkboxes__input"),
    ((FileInput, ClearableFileInput), "govuk-file-upload"),
    (Textarea, "govuk-textarea"),
    (Select, "govuk-select"),
)
KINDS: tuple[tuple[type[Widget] | tuple[type[Widget], ...], str], ...] = (
    (RadioSelect, "radios"),
    (CheckboxSelectMultiple, "checkboxes"),
    (CheckboxInput, "checkbox"),
)


@register.filter
def kind_of_control(field: BoundField) -> str:
    """`radios`, `checkboxes` and `checkbox` are drawn in ways of their own; the rest are `input`."""
    return next((kind for types, kind in KINDS if isinstance(field.field.widget, types)), "input")


@register.filter
def control(field: BoundField) -> SafeString:
    """The control itself, with the kit's class, and tied to its hint and error."""
    widget = field.field.widget
    name = next((name for types, name in CLASSES if isinstance(widget, types)), "govuk-input")
    classes = [name, widget.attrs.get("class", "")]
    if field.errors:
        classes.append(f"{name}--error")
    told = [f"{field.auto_id}-hint"] if field.help_text else []
    if field.errors:
        told.append(f"{field.auto_id}-error")
    attributes: dict[str, str | bool] = {"class": " ".join(filter(None, classes))}
    if told:
        attributes["aria-describedby"] = " ".join(told)
    return field.as_widget(attrs=attributes)


@register.filter
def vnd(amount: int | None) -> str:
    """`1625000` as `1.625.000 đ`; nothing for nothing."""
    return "" if amount is None else format_amount(amount).replace(" ", "\u00a0")


@register.filter
def grouped(number: int | None) -> str:
    """`1625000` as `1.625.000`, for columns whose head names the unit, and for counts."""
    return "" if number is None else f"{number:,}".replace(",", ".")


@register.filter
def day(value: date | datetime | None) -> str:
    """`05/03/2026` in the city's time."""
    if isinstance(value, datetime):
        value = timezone.localtime(value)
    return value.strftime("%d/%m/%Y") if value else ""


@register.filter
def moment(value: datetime | None) -> str:
    """`10:42:18, 05/03/2026` in the city's time."""
    return timezone.localtime(value).strftime("%H:%M:%S, %d/%m/%Y") if value else ""


@register.filter
def clock(value: datetime | None) -> str:
    """`10:42` in the city's time."""
    return timezone.localtime(value).strftime("%H:%M") if value else ""


@register.filter
def month(value: date | None) -> str:
    """`11/2026`."""
    return value.strftime("%m/%Y") if value else ""


@register.simple_tag
def bar(label: str, *parts: Any) -> SafeString:
    """One stacked bar: pairs of a class and a number, drawn to scale. The figures stand in a table beside it.

    `{% bar "Tiến độ" "done" 120 "failed" 3 "open" 40 %}`; the classes are `welfare-bar__done` and so on.
    """
    pairs = [(str(parts[index]), float(parts[index + 1] or 0)) for index in range(0, len(parts) - 1, 2)]
    total = sum(size for _, size in pairs) or 1.0
    # A part that is there is seen, however small; the others give way.
    widths = [max(100 * size / total, 0.6) if size else 0.0 for _, size in pairs]
    scale = 100 / max(sum(widths), 100)
    drawn, left = [], 0.0
    for (name, _), width in zip(pairs, widths, strict=True):
        drawn.append((name, f"{left:.2f}", f"{width * scale:.2f}"))
        left += width * scale
    rectangles = format_html_join(
        "", '<rect class="welfare-bar__{}" x="{}%" y="0" width="{}%" height="100%"></rect>', drawn
    )
    return format_html(
        '<svg class="welfare-bar" role="img" aria-label="{}" preserveAspectRatio="none">{}</svg>', label, rectangles
    )


@register.filter
def percent(part: int | None, whole: int | None) -> str:
    """`12,5 %` of a whole; `–` of nothing."""
    return f"{formats.number_format(100 * (part or 0) / whole, 1)} %" if whole else "–"
