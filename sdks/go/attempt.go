package aihub

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net"
	"net/http"
	"net/http/httptrace"
	"strings"
	"sync"
	"time"
	"unicode/utf8"
)

type readsCloses = io.ReadCloser

type readCloser struct{ io.Reader }

func (readCloser) Close() error { return nil }

// An attempt is one request and its answer, under the times of its phases.
type attempt struct {
	client  *Client
	job     *job
	body    []byte
	ctx     context.Context
	cancel  context.CancelFunc
	headers http.Header
	answer  *http.Response

	mutex sync.Mutex
	timer *time.Timer
	total *time.Timer
	phase Phase // that ran out, if one did
	begun bool  // whether the answer has
	ended bool
}

func (c *Client) newAttempt(ctx context.Context, j *job, body []byte, left time.Duration) *attempt {
	a := &attempt{client: c, job: j, body: body, headers: http.Header{}}
	a.ctx, a.cancel = context.WithCancel(ctx)
	a.total = time.AfterFunc(left, func() { a.expire(PhaseTotal) })
	return a
}

// run asks, and has the answer read. Unless that succeeds with a stream, all is freed at the end.
func (a *attempt) run(read func(*attempt) error) error {
	err := a.ask()
	if err == nil {
		err = read(a)
	}
	if err != nil || !a.job.stream {
		a.end()
	}
	return err
}

// arm begins a phase in place of the one before.
func (a *attempt) arm(phase Phase) {
	a.mutex.Lock()
	defer a.mutex.Unlock()
	// The transport may say late that it has written, when the answer has begun.
	if a.ended || phase == PhaseFirstByte && a.begun {
		return
	}
	a.begun = phase == PhaseIdle
	if a.timer != nil {
		a.timer.Stop()
	}
	a.timer = time.AfterFunc(a.client.settings.timeouts[phase], func() { a.expire(phase) })
}

func (a *attempt) expire(phase Phase) {
	a.mutex.Lock()
	if a.phase == "" && !a.ended {
		a.phase = phase
	}
	a.mutex.Unlock()
	a.cancel()
}

// end frees the connection and stops the clocks.
func (a *attempt) end() {
	a.mutex.Lock()
	a.ended = true
	if a.timer != nil {
		a.timer.Stop()
	}
	a.mutex.Unlock()
	a.total.Stop()
	a.cancel()
	if a.answer != nil {
		a.answer.Body.Close()
	}
}

func (a *attempt) ask() error {
	// Reaching the server has a time of its own; the answer's begins when all has been written.
	trace := &httptrace.ClientTrace{
		WroteRequest: func(httptrace.WroteRequestInfo) { a.arm(PhaseFirstByte) },
	}
	request, err := a.client.newRequest(httptrace.WithClientTrace(a.ctx, trace), a.job, a.body)
	if err != nil {
		return err
	}
	a.answer, err = a.client.http.Do(request)
	if err != nil {
		return a.lost(err)
	}
	a.arm(PhaseIdle)
	a.headers = a.answer.Header
	a.client.remember(a.headers)
	if a.answer.StatusCode >= 300 {
		return a.refused()
	}
	return nil
}

// Read reads the answer's body; each piece has its time.
func (a *attempt) Read(into []byte) (int, error) {
	n, err := a.answer.Body.Read(into)
	if n > 0 {
		a.arm(PhaseIdle)
	}
	return n, err
}

func (a *attempt) refused() error {
	body, err := a.readAll()
	if err != nil {
		return err
	}
	return statusError(a.told(body))
}

// told is what is known of an answer that is an error, or no answer.
func (a *attempt) told(body []byte) *APIError {
	return &APIError{
		Status:     a.answer.StatusCode,
		RequestID:  a.headers.Get("X-Request-Id"),
		RetryAfter: readRetryAfter(a.headers, a.client.now()),
		Body:       body,
	}
}

func (a *attempt) readAll() ([]byte, error) {
	body, err := io.ReadAll(io.LimitReader(a, maxAnswer+1))
	if err != nil {
		return nil, a.lost(err)
	}
	if len(body) > maxAnswer {
		return nil, a.malformed(nil, "it has more than %d bytes", maxAnswer)
	}
	return body, nil
}

// An answer is what a call reads: it keeps its JSON, and says what lacks.
type answer interface {
	keep(whole []byte)
	lacks() string
}

func (a *attempt) readWhole(value answer) error {
	body, err := a.readAll()
	if err != nil {
		return err
	}
	if why := decode(body, value); why != "" {
		return a.malformed(body, "%s", why)
	}
	return nil
}

// decode reads JSON into value, or says why that is not possible.
func decode(body []byte, value answer) string {
	text := strings.TrimSpace(string(body))
	switch {
	case text == "":
		return "it is empty"
	case !utf8.Valid(body) || !json.Valid(body):
		return "it is not JSON"
	case text[0] != '{':
		return "it is no JSON object"
	}
	if err := json.Unmarshal(body, value); err != nil {
		var wrong *json.UnmarshalTypeError
		if errors.As(err, &wrong) {
			return fmt.Sprintf("its %s is of another type", wrong.Field)
		}
		return "it is of another shape"
	}
	if lacks := value.lacks(); lacks != "" {
		return "its " + lacks + " is missing"
	}
	value.keep(body)
	return ""
}

func (a *attempt) malformed(body []byte, format string, arguments ...any) error {
	e := a.told(body)
	e.Message = fmt.Sprintf("The server's answer is none: "+format+".", arguments...)
	if kind, _, _ := mime.ParseMediaType(a.headers.Get("Content-Type")); kind == "text/html" {
		e.Message += " It is a page of HTML: is the base URL right?"
	}
	return &MalformedResponseError{e}
}

// lost says what became of a connection.
func (a *attempt) lost(err error) error {
	a.mutex.Lock()
	phase := a.phase
	a.mutex.Unlock()
	e := &APIError{cause: err}
	if a.answer != nil {
		e.RequestID = a.headers.Get("X-Request-Id")
	}
	if phase == "" && isDialTimeout(err) {
		phase = PhaseConnect
	}
	if phase != "" {
		e.Message = fmt.Sprintf("The server took too long (%s).", phase)
		e.Code = string(phase) + "_timeout"
		return &TimeoutError{&ConnectionError{e}, phase}
	}
	e.Code, e.Message = "connection_lost", "The connection was lost."
	var dial *net.OpError
	switch {
	case isTLS(err):
		e.Code, e.Message = "tls_failed", "The server's certificate was not accepted."
	case errors.As(err, &dial) && dial.Op == "dial":
		e.Code, e.Message = "connect_failed", "The server cannot be reached."
	case strings.Contains(err.Error(), "malformed HTTP"):
		e.Code, e.Message = "not_http", "What answers does not speak HTTP."
	}
	return &ConnectionError{e}
}

func isDialTimeout(err error) bool {
	var dial *net.OpError
	return errors.As(err, &dial) && dial.Op == "dial" && dial.Timeout() ||
		strings.Contains(err.Error(), "TLS handshake timeout")
}

func isTLS(err error) bool {
	var record tls.RecordHeaderError
	var authority x509.UnknownAuthorityError
	var host x509.HostnameError
	var invalid x509.CertificateInvalidError
	return errors.As(err, &record) || errors.As(err, &authority) || errors.As(err, &host) ||
		errors.As(err, &invalid) || strings.Contains(err.Error(), "remote error: tls")
}

func retryAfterOf(err error) time.Duration {
	var e *APIError
	if errors.As(err, &e) {
		return e.RetryAfter
	}
	return 0
}
