"""Request fields that attackers of caches try, by what they hope for.

Read out of the lists of param-miner, of the Web Cache Vulnerability Scanner, and of reports on
single products; grouped and spelt anew.
"""

from collections.abc import Iterator


def _words(text: str) -> tuple[str, ...]:
    return tuple(text.split())


ATTEMPTS: dict[str, tuple[str, ...]] = {
    "another target": _words(
        """
        x-original-url x-rewrite-url x-original-uri x-original-path x-forwarded-path
        x-forwarded-uri x-forwarded-url x-forwarded-prefix x-forwarded-request-uri
        x-forwarded-context x-script-name x-envoy-original-path x-http-path-override
        x-http-destinationurl x-proxy-url x-accel-redirect x-sendfile x-sendfile-type
        x-accel-mapping x-cf-url x-ning-request-uri cf-template-path request-uri http-url base-url
        proxy-url proxy-host path-info orig-path-info script-name unencoded-url query-string
        path-translated context-path destination __requesturi url uri path x-invoke-path
        x-invoke-query x-now-route-matches x-matched-path x-nextjs-rewrite x-url
        x-amz-website-redirect-location x-teamsite-preremap mod-rewrite redirect
        apply-to-redirect-ref x-flx-redirect-url server-name x-waws-unencoded-url x-replaced-path
        x-request-uri
        """
    ),
    "another host": _words(
        """
        x-forwarded-host x-host x-original-host x-forwarded-server x-http-host-override
        x-real-host x-host-override x-backend-host x-amzn-remapped-host x-client-host
        x-server-name x-subdomain x-orig-host h0st hosti host-name home-host http-host
        proxy-request-fulluri sp-host x-forwarded-for-host x-target-host x-vhost x-upstream-host
        x-varnish-host fastly-host fastly-orig-host x-gateway-host x-app-host x-proxy-host
        x-origin x-ms-original-url www-address
        """
    ),
    "another scheme or port": _words(
        """
        x-forwarded-proto x-forwarded-scheme x-forwarded-protocol x-forwarded-ssl
        x-forwarded-https x-forwarded-port x-url-scheme x-scheme x-https x-ssl x-orchestra-scheme
        x-remote-protocol x-forward-proto x-originally-forwarded-proto forwarded-proto
        front-end-https https ssl-https ssl-offloaded ssl https-from-lb cf-visitor scheme protocol
        server-port server-port-secure x-server-port x-original-scheme x-original-proto
        x-original-port x-arr-ssl x-nfsn-https cloudfront-forwarded-proto x-client-scheme
        x-client-proto
        """
    ),
    "another method": _words(
        """
        x-http-method x-http-method-override x-method-override x-original-method
        x-forwarded-method x-original-http-command x-ajax-real-method x-alto-ajax-method
        real-method request-method x-tunneled-method x-override-method x-real-method http-method
        http-method-override method method-override _method __requestverb x-wopi-override
        x-http-status-code-override x-use-http-status-code-override x-http-verb x-verb
        """
    ),
    "another client": _words(
        """
        forwarded x-forwarded-for x-real-ip true-client-ip x-client-ip x-cluster-client-ip
        client-ip x-remote-ip x-remote-addr x-originating-ip x-forwarded-by forwarded-for
        forwarded-for-ip x-forwarded-user cf-connecting-ip cf-connecting-ipv6 cf-ipcountry
        fastly-client-ip x-azure-clientip x-azure-socketip x-proxyuser-ip x-proxied-user-ip
        akamai-client-ip incap-client-ip remote-addr remote-host remote-user real-ip realip
        clientip client-address clientaddress pc-remote-addr xxx-real-ip x-ip x-ip-trail
        x-clientip x-user-ip x-from x-forwarder-for x-forward-for x-forwarded
        x-forwarded-for-original x-original-forwarded-for x-originally-forwarded-for
        x-original-remote-addr x-orig-client x-azc-remote-addr x-sakura-forwarded-for
        x-nokia-ipaddress x-geo x-geoip-country cloudfront-viewer-country x-country-code
        x-appengine-country coming-from x-coming-from rlnclientipaddr
        """
    ),
    "somebody's rights": _words(
        """
        auth auth-key auth-password auth-type auth-user x-auth-token x-auth-key x-auth-user
        x-auth-userid x-auth-username x-access-token x-api-key x-apitoken x-api-signature
        x-csrf-token x-csrftoken x-xsrf-token x-user x-username x-password x-user-id user-id user
        user-email session-id-tag sslsessionid ticket token passkey php-auth-user php-auth-pw
        x-authorization xauthorization authentication x-authentication x-remote-user
        x-webauth-user x-ssl-client-cert x-ssl-client-verify x-client-cert cert-subject
        ssl-client-cert iv-user x-amzn-oidc-identity x-goog-iap-jwt-assertion
        cf-access-jwt-assertion x-ms-client-principal http-sm-user x-tenant-id x-organization
        x-account-id on-behalf-of x-middleware-subrequest
        """
    ),
    "another form of the page": _words(
        """
        x-requested-with x-pjax x-pjax-container x-wp-pjax-prefetch hx-request hx-target
        hx-boosted turbo-frame x-turbo-request-id x-inertia x-inertia-version
        x-inertia-partial-data x-livewire x-up-version x-up-target rsc next-router-state-tree
        next-router-prefetch next-url next-action next-router-segment-prefetch x-nextjs-data
        x-middleware-prefetch x-middleware-invoke x-invoke-status x-invoke-error x-invoke-output
        x-nuxt-no-ssr x-gatsby-data x-qwik-data x-sveltekit-invalidated x-remix-response
        remix-hash x-isr-revalidate x-prerender x-amp x-render-partial x-pagelet-fragment
        x-response-format format mode translate depth prefer accept-version accept-application
        x-api-version api-version x-experience-api-version version dataserviceversion soapaction
        content-type content-encoding x-language x-lang x-locale accept-datetime negotiate
        save-data device-memory dpr ect rtt downlink viewport-width width x-wap-profile profile
        x-ua-device x-device x-mobile-ua ua-color ua-pixels x-operamini-features
        x-device-user-agent x-original-user-agent x-skyfire-phone x-uidh x-msisdn
        surrogate-capability surrogate-control x-esi x-cache x-varnish x-no-cache x-purge
        amp-cache-transform icy-metadata purpose x-purpose x-moz git-protocol cookie2
        """
    ),
    "tools of developers": _words(
        """
        x-debug x-debug-test x-wikimedia-debug x-fireloggerauth x-firephp-version x-firelogger
        x-xhprof-debug x-qafoo-profiler x-insight x-collect-coverage x-codeception-codecoverage
        x-enable-coverage force-local-xhprof verbose-throttle unit-test-mode x-test x-environment
        x-environment-override app-env x-feature x-feature-flag x-ab-test x-variant x-experiment
        x-canary x-preview x-draft x-service-version x-mock x-fail x-error error x-status-code
        x-request-timeout max-uri-length disable-gzip enable-gzip use-gzip gzip-level no-cache
        x-template x-theme x-skin x-view x-component x-callback callback x-jsonp
        """
    ),
    "whatever an error page or a log shows": _words(
        """
        x-correlation-id x-amzn-trace-id x-cloud-trace-context x-b3-traceid uber-trace-id
        x-trace-id x-transaction-id x-unique-id x-request-start x-client-version x-client-id
        x-device-id x-app-version x-session-id x-foo foo foo-bar x-custom custom-header my-header
        x-whatever test x y q name message reason title ref referrer refferer xroxy-connection
        x-te x-oversized-header x-harmless warning link location set-cookie server age allow
        accept-ranges etag expires last-modified retry-after www-authenticate vary
        access-control-request-method access-control-request-headers access-control-allow-origin
        content-language content-location content-disposition content-md5 digest want-digest
        """
    ),
}

NAMES = tuple(dict.fromkeys(name for names in ATTEMPTS.values() for name in names))

VISITORS = frozenset(
    _words(
        """
        accept accept-charset accept-encoding accept-language authorization cache-control cookie
        date dnt early-data from if-match if-modified-since if-none-match if-range
        if-unmodified-since origin pragma priority range referer user-agent via cdn-loop alt-used
        service-worker upgrade-insecure-requests sec-ch-ua sec-fetch-mode sec-gpc cmcd-object
        cmcd-request cmcd-session cmcd-status x-playback-session-id baggage newrelic
        request-context request-id sentry-trace traceparent tracestate x-datadog-trace-id
        """
    )
)
"""What browsers, players and what watches them send by themselves. An origin gets it, and has to
say in Vary which of it counts; those of its answers that show it anyway are shared with all."""


def spellings(name: str) -> Iterator[str]:
    """Names that a server may take for `name`, or that are like it."""
    bare = name.removeprefix("x-")
    yield from (name, name.title(), name.upper(), name.replace("-", "_"))
    yield from (f"x-{bare}", bare, f"X_{bare}", f"http-{name}", f"{name}s", f"x-{bare}-x")
    if "-" in name:
        first, _, rest = name.partition("-")
        yield f"{first}_{rest}"
        yield name.replace("-", "")
        yield name.replace("-", "--")
