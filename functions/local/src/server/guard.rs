//! Which requests a port of this machine takes: those of programs, of this server's own pages, and of pages of
//! origins that the operator allows.
//!
//! A browser lets every page send requests to 127.0.0.1. It names the page in `Origin`, and asks before it sends
//! what a form could not (a preflight). To a page whose name has come to lead to 127.0.0.1 (DNS rebinding) the
//! port is the page's own server, so there is no `Origin` to go by, but the page's name in `Host`.

use std::{
    fmt,
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
};

use axum::http::{HeaderValue, Method, Uri, header, request::Parts, uri::Authority};

/// What a server is called in `Host`, without a port.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum HostName {
    /// An IP address; IPv6 ones are in brackets in `Host`.
    Address(IpAddr),
    /// A name, in lower case.
    Name(String),
}

/// The origin of a page: scheme, host and port, as a browser names it in `Origin`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Origin(HeaderValue);

/// What one port answers to.
#[derive(Clone, Debug)]
pub struct Guard {
    hosts: Vec<HostName>,
    has_pages: bool,
    origins: Vec<Origin>,
}

/// Who is let in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Caller {
    /// A program, or a page of this server.
    Usual,
    /// A page of another server, which the operator allows.
    Page(Origin),
    /// A browser that asks whether such a page may send a request.
    Preflight(Origin),
}

/// Why a request is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// Another name than this server's, or none.
    #[error(
        "`Host` must be 127.0.0.1, localhost or [::1], with any port, or a name that the server was started with: \
         `--allow-host NAME`"
    )]
    Host,
    /// A browser asks whether a page may send a request.
    #[error("no page of another server may send requests here, so a preflight is refused")]
    Preflight,
    /// A page sent it.
    #[error("no page of another server may send requests here, so one with its `Origin` is refused")]
    Origin,
}

impl Origin {
    /// # Errors
    /// The problem, where the text is not an origin as browsers write it.
    pub fn parse(text: &str) -> Result<Self, String> {
        let problem = || "must be scheme and host alone, such as https://console.example.com".to_owned();
        let uri: Uri = text.parse().map_err(|_| problem())?;
        let (Some(scheme @ ("http" | "https")), Some(host)) = (uri.scheme_str(), uri.authority()) else {
            return Err(problem());
        };
        let is_whole = format!("{scheme}://{host}") == text && !host.as_str().contains('@');
        let origin = HeaderValue::from_str(&text.to_ascii_lowercase()).ok().filter(|_| is_whole);
        origin.map(Self).ok_or_else(problem)
    }

    /// As a header has it.
    #[must_use]
    pub fn as_header(&self) -> &HeaderValue {
        &self.0
    }
}

impl HostName {
    /// # Errors
    /// The problem, where the text is neither an address nor a name alone.
    pub fn parse(text: &str) -> Result<Self, String> {
        let bare = text.strip_prefix('[').and_then(|text| text.strip_suffix(']')).unwrap_or(text);
        let is_of_names = |byte: u8| byte.is_ascii_alphanumeric() || b"-._".contains(&byte);
        match bare.parse() {
            Ok(address) => Ok(Self::Address(address)),
            Err(_) if !text.is_empty() && text.bytes().all(is_of_names) => {
                Ok(Self::Name(text.to_ascii_lowercase()))
            }
            Err(_) => {
                Err("must be a name or an address, such as host.docker.internal, without a port".into())
            }
        }
    }

    /// The host of `Host` or of a URL; `None` where there is more to it than a port.
    fn of(authority: &Authority) -> Option<Self> {
        let host = authority.host();
        let is_all = authority.as_str() == host || authority.port_u16().is_some();
        if !is_all || authority.as_str().contains('@') {
            return None;
        }
        Self::parse(host).ok()
    }
}

impl fmt::Display for HostName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Address(address) => address.fmt(f),
            Self::Name(name) => name.fmt(f),
        }
    }
}

impl Guard {
    /// Of the DynamoDB endpoint, which has no pages. The address that it is bound to is a name of its own.
    #[must_use]
    pub fn of_database(bound: IpAddr, allowed: &[HostName]) -> Self {
        Self { has_pages: false, ..Self::of_api_at(bound, allowed) }
    }

    /// Of the API, bound to an address that is a name of its own.
    #[must_use]
    pub fn of_api_at(bound: IpAddr, allowed: &[HostName]) -> Self {
        let mut guard = Self::of_api(allowed);
        guard.hosts.push(HostName::Address(bound));
        guard
    }

    /// Of the API, whose server has pages: what they send comes with this server's own `Origin`.
    #[must_use]
    pub fn of_api(allowed: &[HostName]) -> Self {
        let own = [
            HostName::Address(Ipv4Addr::LOCALHOST.into()),
            HostName::Address(Ipv6Addr::LOCALHOST.into()),
            HostName::Name("localhost".into()),
        ];
        Self { hosts: own.iter().chain(allowed).cloned().collect(), has_pages: true, origins: Vec::new() }
    }

    /// This one, letting pages of these origins in, too.
    #[must_use]
    pub fn admitting(self, origins: &[Origin]) -> Self {
        Self { origins: origins.to_vec(), ..self }
    }

    /// Who sends the request.
    ///
    /// # Errors
    /// Why it is refused.
    pub fn check(&self, request: &Parts) -> Result<Caller, Refusal> {
        let host = self.host(request).ok_or(Refusal::Host)?;
        let is_preflight = request.method == Method::OPTIONS
            && request.headers.contains_key(header::ACCESS_CONTROL_REQUEST_METHOD);
        let mut origins = request.headers.get_all(header::ORIGIN).iter();
        let allowed =
            origins.next().and_then(|sent| self.origins.iter().find(|Origin(origin)| origin == sent));
        match (allowed, origins.next()) {
            (Some(origin), None) if is_preflight => return Ok(Caller::Preflight(origin.clone())),
            (Some(origin), None) => return Ok(Caller::Page(origin.clone())),
            _ if is_preflight => return Err(Refusal::Preflight),
            _ => {}
        }
        let own = format!("http://{host}");
        let is_own = |origin: &[u8]| self.has_pages && origin.eq_ignore_ascii_case(own.as_bytes());
        let mut origins = request.headers.get_all(header::ORIGIN).iter();
        if origins.all(|origin| is_own(origin.as_bytes())) { Ok(Caller::Usual) } else { Err(Refusal::Origin) }
    }

    /// The one `Host`, where this server answers to it. A URL in place of a path takes precedence over `Host`
    /// (RFC 9112, section 3.2.2), so its host must be one, too.
    fn host(&self, request: &Parts) -> Option<Authority> {
        let mut hosts = request.headers.get_all(header::HOST).iter();
        let (Some(host), None) = (hosts.next(), hosts.next()) else { return None };
        let host = Authority::try_from(host.as_bytes()).ok()?;
        let is_own = |authority| HostName::of(authority).is_some_and(|name| self.hosts.contains(&name));
        let of_url = Uri::authority(&request.uri);
        (is_own(&host) && of_url.is_none_or(is_own)).then_some(host)
    }
}
