"""How every form of the portal is drawn: Django's own rendering with the kit's markup (templates/kit)."""

from django.forms.renderers import TemplatesSetting


class KitRenderer(TemplatesSetting):
    """Fields as the kit draws them: label, hint, error and control, tied together for screen readers."""

    form_template_name = "kit/form.html"
    field_template_name = "kit/field.html"
