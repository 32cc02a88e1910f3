"""Template filters that show a number without giving it away: `{{ person.national_id|masked_national_id }}`."""

from django import template

from foundation.privacy import masking

register = template.Library()
register.filter("masked_national_id", masking.mask_national_id)
register.filter("masked_account", masking.mask_account)
register.filter("masked_phone", masking.mask_phone)
