# https://varnish-cache.org/docs/7.1/users-guide/vcl-backends.html
vcl 4.1;

backend origin {
    .host = "{{ setting.origin.ip() }}";
    .port = "{{ setting.origin.port() }}";
}

# https://varnish-cache.org/docs/7.1/users-guide/vcl-built-in-subs.html: answers without a lifetime of their own live for
# default_ttl, which is set on the command line. Nothing else is changed.
