package aihub

import (
	"fmt"
	"net/http"
	"net/url"
	"os"
	"sort"
	"strings"
	"time"
)

// Regions are the base URLs of the API, by the names that [WithRegion] takes.
var Regions = map[string]string{
	"global":       "https://api.ai-hub.com/v1",
	"us-east":      "https://api-us-east.ai-hub.com/v1",
	"eu":           "https://api-eu.ai-hub.com/v1",
	"ap-southeast": "https://api-ap-southeast.ai-hub.com/v1",
}

// What a client does where nothing else is said.
const (
	DefaultMaxRetries       = 2
	DefaultConnectTimeout   = 10 * time.Second
	DefaultFirstByteTimeout = 120 * time.Second
	DefaultIdleTimeout      = 60 * time.Second
	DefaultTotalTimeout     = 600 * time.Second
)

// mostRetries bounds MaxRetries: by then nobody waits any more.
const mostRetries = 20

// An Option says how a client is made.
type Option func(*settings)

type settings struct {
	key        string
	baseURL    string
	region     string
	maxRetries int
	timeouts   map[Phase]time.Duration
	headers    http.Header
	doer       *http.Client
	faults     []string
}

// WithBaseURL names the server to ask, such as "http://127.0.0.1:8484"; it may end with /v1 or not.
// It wins over AIHUB_BASE_URL, and both over a region.
func WithBaseURL(base string) Option { return func(s *settings) { s.baseURL = base } }

// WithRegion asks the API in a region: one of [Regions].
func WithRegion(region string) Option { return func(s *settings) { s.region = region } }

// WithMaxRetries says how often a call is asked again at most; 0 is never.
func WithMaxRetries(times int) Option { return func(s *settings) { s.maxRetries = times } }

// WithHeader sends a further header with each request, such as X-AIHub-Region, which pins requests
// to a region.
func WithHeader(name, value string) Option {
	return func(s *settings) {
		if ours[strings.ToLower(name)] {
			s.fault("headers: %s is the client's own", strings.ToLower(name))
		} else if !isToken(name) || strings.ContainsAny(value, "\r\n\x00") {
			s.fault("headers: %s is none", strings.ToLower(name))
		} else {
			s.headers.Set(name, value)
		}
	}
}

// WithTimeout bounds a phase of each call; it must be more than 0.
func WithTimeout(phase Phase, limit time.Duration) Option {
	return func(s *settings) {
		if limit <= 0 {
			s.fault("timeout: %s must be more than 0", phase)
		} else if _, known := s.timeouts[phase]; !known {
			s.fault("timeout: there is no phase %q", string(phase))
		}
		s.timeouts[phase] = limit
	}
}

// WithHTTPClient takes a client for proxies, certificates or tests. Its transport is used as it is,
// so that [PhaseConnect] is that transport's own; its redirects and cookies are not.
func WithHTTPClient(client *http.Client) Option { return func(s *settings) { s.doer = client } }

// Headers that are the client's own.
var ours = map[string]bool{
	"accept": true, "accept-encoding": true, "authorization": true, "connection": true,
	"content-length": true, "content-type": true, "host": true, "idempotency-key": true,
	"transfer-encoding": true,
}

func newSettings(key string, options []Option) (*settings, error) {
	s := &settings{
		key:        key,
		maxRetries: DefaultMaxRetries,
		headers:    http.Header{},
		timeouts: map[Phase]time.Duration{
			PhaseConnect:   DefaultConnectTimeout,
			PhaseFirstByte: DefaultFirstByteTimeout,
			PhaseIdle:      DefaultIdleTimeout,
			PhaseTotal:     DefaultTotalTimeout,
		},
	}
	for _, option := range options {
		option(s)
	}
	if s.maxRetries < 0 || s.maxRetries > mostRetries {
		s.fault("max_retries must be from 0 to %d", mostRetries)
	}
	s.checkKey()
	s.chooseURL()
	if len(s.faults) > 0 {
		return s, &ConfigurationError{&APIError{Message: s.faults[0]}}
	}
	return s, nil
}

func (s *settings) fault(format string, arguments ...any) {
	s.faults = append(s.faults, fmt.Sprintf(format, arguments...))
}

func (s *settings) checkKey() {
	if s.key == "" {
		s.key = os.Getenv("AIHUB_API_KEY")
	}
	if s.key == "" {
		s.fault("api_key: give a key, or set AIHUB_API_KEY")
		return
	}
	for _, one := range []byte(s.key) {
		if one <= ' ' || one > '~' {
			s.fault("api_key: a key is printable ASCII without spaces")
			return
		}
	}
}

func (s *settings) chooseURL() {
	base := s.baseURL
	if base == "" {
		base = os.Getenv("AIHUB_BASE_URL")
	}
	if base == "" {
		region := s.region
		if region == "" {
			region = "global"
		}
		base = Regions[region]
		if base == "" {
			s.fault("region: there is no %q; use %s", region, strings.Join(regionNames(), ", "))
			return
		}
	}
	parsed, err := url.Parse(base)
	if err != nil || strings.ContainsAny(base, " \t\r\n") || parsed.Host == "" ||
		(parsed.Scheme != "http" && parsed.Scheme != "https") ||
		parsed.RawQuery != "" || parsed.Fragment != "" || parsed.User != nil {
		s.fault("base_url must be http:// or https://, a host and perhaps a path")
		return
	}
	base = strings.TrimSuffix(strings.TrimRight(base, "/"), "/v1")
	s.baseURL = base + "/v1"
}

func regionNames() []string {
	names := make([]string, 0, len(Regions))
	for name := range Regions {
		names = append(names, name)
	}
	sort.Strings(names)
	return names
}

func isToken(name string) bool {
	for _, one := range name {
		letter := one >= 'a' && one <= 'z' || one >= 'A' && one <= 'Z' || one >= '0' && one <= '9'
		if !letter && !strings.ContainsRune("!#$%&'*+-.^_`|~", one) {
			return false
		}
	}
	return name != ""
}
