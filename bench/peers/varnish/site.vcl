vcl 4.1;
# Reasons in comments; chapters are those of Varnish's user guide.

backend origin {
    .host = "@host@";
    .port = "@port@";
}

sub vcl_recv {
    # "Increasing your hit rate": by default a request with cookies is never answered from the cache.
    # The site's objects do not depend on them, so they go.
    if (req.url ~ "^/(objects|assets)/") {
        unset req.http.Cookie;
    }
}

sub vcl_backend_response {
    # "Edge Side Includes": assembled for pages that ask for it.
    if (beresp.http.Surrogate-Control ~ "ESI/1.0") {
        unset beresp.http.Surrogate-Control;
        set beresp.do_esi = true;
    }
    # "Grace mode": serve what has just expired while it is fetched anew.
    set beresp.grace = 1h;
}
