# One image for every Headrace process; the command says which.
FROM python:3.13-slim

RUN useradd --system --uid 10001 --create-home headrace \
    && install -d -o headrace /var/lib/headrace
WORKDIR /opt/headrace

# First what changes seldom.
COPY requirements-prod.lock ./
RUN pip install --no-cache-dir --require-hashes -r requirements-prod.lock

COPY . .
RUN pip install --no-cache-dir --no-deps .

USER headrace
WORKDIR /home/headrace
ENV HEADRACE_DATA_DIR=/var/lib/headrace PYTHONUNBUFFERED=1
VOLUME /var/lib/headrace
ENTRYPOINT ["headrace"]
CMD ["--help"]
