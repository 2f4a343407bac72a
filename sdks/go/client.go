package aihub

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"fmt"
	mathrand "math/rand"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync/atomic"
	"time"
)

// maxAnswer bounds an answer, in bytes.
const maxAnswer = 64 << 20

// A Client asks one server with one key.
type Client struct {
	// Models are the models that there are.
	Models *Models
	// Sessions are conversations that the server keeps.
	Sessions *Sessions
	// Keys are the keys of an account.
	Keys *Keys
	// Accounts are those whom keys belong to.
	Accounts *Accounts
	// Plans say what an account may do in a minute.
	Plans *Plans
	// Budgets say what an account or a key may spend.
	Budgets *Budgets

	settings *settings
	fault    error
	http     *http.Client
	limit    atomic.Pointer[RateLimit]

	// What a test gives in their place.
	now    func() time.Time
	sleep  func(context.Context, time.Duration) error
	chance func() float64
}

// NewClient makes a client. Without a key, that of AIHUB_API_KEY is taken. What cannot be is an error of
// each call, and of [Client.Err].
func NewClient(key string, options ...Option) *Client {
	c := &Client{now: time.Now, sleep: wait, chance: mathrand.Float64}
	c.settings, c.fault = newSettings(key, options)
	c.http = c.settings.newHTTPClient()
	c.Models, c.Sessions, c.Keys = &Models{c}, &Sessions{c}, &Keys{c}
	c.Accounts, c.Plans, c.Budgets = &Accounts{c}, &Plans{c}, &Budgets{c}
	return c
}

// Err returns why the client cannot ask, a [ConfigurationError], or nil.
func (c *Client) Err() error { return c.fault }

// BaseURL returns where the client asks.
func (c *Client) BaseURL() string { return c.settings.baseURL }

// Close closes the connections that are idle.
func (c *Client) Close() { c.http.CloseIdleConnections() }

// A RateLimit is how a limit stood by an answer.
type RateLimit struct {
	Limit     int
	Remaining int
	Reset     time.Time // when the window is full again
}

// LastRateLimit returns how the limit stood by the last answer that told it, or nil.
func (c *Client) LastRateLimit() *RateLimit { return c.limit.Load() }

// String shows where a client asks; never its key.
func (c *Client) String() string { return fmt.Sprintf("aihub.Client(%s)", c.settings.baseURL) }

// GoString is as String.
func (c *Client) GoString() string { return c.String() }

func (s *settings) newHTTPClient() *http.Client {
	made := &http.Client{}
	if s.doer != nil {
		*made = *s.doer
	}
	if made.Transport == nil {
		made.Transport = &http.Transport{
			Proxy:               http.ProxyFromEnvironment,
			DialContext:         (&net.Dialer{Timeout: s.timeouts[PhaseConnect]}).DialContext,
			TLSHandshakeTimeout: s.timeouts[PhaseConnect],
			ForceAttemptHTTP2:   true,
			MaxIdleConns:        100,
			MaxIdleConnsPerHost: 100,
			IdleConnTimeout:     90 * time.Second,
		}
	}
	// Neither a key nor a cookie goes elsewhere, and each phase has its own time.
	made.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	made.Jar, made.Timeout = nil, 0
	return made
}

func wait(ctx context.Context, length time.Duration) error {
	timer := time.NewTimer(length)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// A job is one call: what is asked, and whether it may be asked again.
type job struct {
	method string
	path   []string
	query  url.Values
	body   any
	how    manner
	name   string // the idempotency key
	stream bool
}

// do asks, again where that may help, and reads the answer into value.
func (c *Client) do(ctx context.Context, j job, value answer) error {
	return c.repeat(ctx, &j, func(a *attempt) error { return a.readWhole(value) })
}

// repeat makes attempts until one succeeds or no other may follow.
func (c *Client) repeat(ctx context.Context, j *job, read func(*attempt) error) error {
	body, err := c.prepare(j)
	if err != nil {
		return err
	}
	began := c.now()
	for n := 0; ; n++ {
		a := c.newAttempt(ctx, j, body, c.settings.timeouts[PhaseTotal]-c.now().Sub(began))
		err := a.run(read)
		if err == nil {
			return nil
		}
		if ctx.Err() != nil {
			return fmt.Errorf("aihub: %w", ctx.Err())
		}
		if n >= c.settings.maxRetries || !mayRepeat(j.how, err, a.headers) {
			return err
		}
		length, ok := pause(n, retryAfterOf(err), c.chance())
		if !ok || c.now().Sub(began)+length >= c.settings.timeouts[PhaseTotal] {
			return err
		}
		if c.sleep(ctx, length) != nil {
			return fmt.Errorf("aihub: %w", ctx.Err())
		}
	}
}

// prepare checks and writes what is asked.
func (c *Client) prepare(j *job) ([]byte, error) {
	if c.fault != nil {
		return nil, c.fault
	}
	for _, segment := range j.path {
		if segment == "" || segment == "." || segment == ".." {
			return nil, misuse("an id must not be empty or made of dots", nil)
		}
	}
	if j.how == named && j.name == "" {
		var random [16]byte
		if _, err := rand.Read(random[:]); err != nil {
			return nil, misuse("no idempotency_key could be made", err)
		}
		j.name = hex.EncodeToString(random[:])
	}
	if strings.IndexFunc(j.name, func(r rune) bool { return r < ' ' || r > '~' }) >= 0 {
		return nil, misuse("idempotency_key: it must be printable ASCII", nil)
	}
	if j.body == nil {
		return nil, nil
	}
	body, err := json.Marshal(j.body)
	if err != nil {
		return nil, misuse("the request cannot be written as JSON", err)
	}
	return body, nil
}

func misuse(text string, cause error) error {
	return &ConfigurationError{&APIError{Message: text, cause: cause}}
}

// newRequest writes the request of one attempt.
func (c *Client) newRequest(ctx context.Context, j *job, body []byte) (*http.Request, error) {
	target := c.settings.baseURL
	for _, segment := range j.path {
		target += "/" + url.PathEscape(segment)
	}
	if len(j.query) > 0 {
		target += "?" + j.query.Encode()
	}
	request, err := http.NewRequestWithContext(ctx, j.method, target, nil)
	if err != nil {
		return nil, misuse("the request cannot be written", err)
	}
	for name, values := range c.settings.headers {
		request.Header[name] = values
	}
	request.Header.Set("Authorization", "Bearer "+c.settings.key)
	request.Header.Set("Accept", "application/json")
	if j.stream {
		request.Header.Set("Accept", "text/event-stream")
	}
	if j.name != "" {
		request.Header.Set("Idempotency-Key", j.name)
	}
	if body != nil {
		request.Header.Set("Content-Type", "application/json")
		request.ContentLength = int64(len(body))
		request.Body = readCloser{bytes.NewReader(body)}
		if j.how == makes {
			// The transport may write it again only where nothing of it had been written.
			request.GetBody = func() (readsCloses, error) {
				return readCloser{bytes.NewReader(body)}, nil
			}
		}
	}
	return request, nil
}
