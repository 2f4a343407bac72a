package aihub

import (
	"encoding/json"
	"fmt"
	"time"
)

// A Phase is a part of a call that has a time of its own.
type Phase string

// The phases of a call.
const (
	PhaseConnect   Phase = "connect"
	PhaseFirstByte Phase = "first_byte" // until the answer begins
	PhaseIdle      Phase = "idle"       // between two pieces of an answer
	PhaseTotal     Phase = "total"      // all of it, repetitions and waits included
)

// An APIError is what every error of this package holds; what is not known of one is empty.
type APIError struct {
	Message    string
	Status     int           // of the answer, 0 where there is none
	Type       string        // by whose fault, in the server's words
	Code       string        // what it is, in the server's words
	Param      string        // the field that is to blame
	RequestID  string        // by which the server's people find it
	RetryAfter time.Duration // how long the server asks to wait
	Body       []byte        // of the answer
	cause      error
}

func (e *APIError) Error() string {
	told := "aihub: " + e.Message
	if e.Status != 0 {
		told += fmt.Sprintf(" (status %d", e.Status)
		if e.Code != "" {
			told += ", " + e.Code
		}
		if e.RequestID != "" {
			told += ", request " + e.RequestID
		}
		told += ")"
	}
	return told
}

// Unwrap returns what this comes of, such as a network's error.
func (e *APIError) Unwrap() error { return e.cause }

// A ConfigurationError says that a client cannot be made so, or a request not be written; nothing
// was asked.
type ConfigurationError struct{ *APIError }

// Unwrap returns what it is a kind of.
func (e *ConfigurationError) Unwrap() error { return e.APIError }

// A ConnectionError says that there was no answer, or not all of it. Its code is connect_failed,
// tls_failed, connection_lost or not_http.
type ConnectionError struct{ *APIError }

// Unwrap returns what it is a kind of.
func (e *ConnectionError) Unwrap() error { return e.APIError }

// A TimeoutError says which phase took too long.
type TimeoutError struct {
	*ConnectionError
	Phase Phase
}

// Unwrap returns what it is a kind of.
func (e *TimeoutError) Unwrap() error { return e.ConnectionError }

// Timeout says that it is one, as net.Error has it.
func (e *TimeoutError) Timeout() bool { return true }

// A StatusError is an answer with an error's status, or a redirect: none is followed.
type StatusError struct{ *APIError }

// Unwrap returns what it is a kind of.
func (e *StatusError) Unwrap() error { return e.APIError }

// A BadRequestError is a 400: the request is wrong; Param names the field.
type BadRequestError struct{ *StatusError }

// Unwrap returns what it is a kind of.
func (e *BadRequestError) Unwrap() error { return e.StatusError }

// An AuthenticationError is a 401: the key is none, or no longer one.
type AuthenticationError struct{ *StatusError }

// Unwrap returns what it is a kind of.
func (e *AuthenticationError) Unwrap() error { return e.StatusError }

// A PermissionDeniedError is a 403: the key may not do this.
type PermissionDeniedError struct{ *StatusError }

// Unwrap returns what it is a kind of.
func (e *PermissionDeniedError) Unwrap() error { return e.StatusError }

// A NotFoundError is a 404.
type NotFoundError struct{ *StatusError }

// Unwrap returns what it is a kind of.
func (e *NotFoundError) Unwrap() error { return e.StatusError }

// A ConflictError is a 409: something was changed meanwhile, or is in progress.
type ConflictError struct{ *StatusError }

// Unwrap returns what it is a kind of.
func (e *ConflictError) Unwrap() error { return e.StatusError }

// A RateLimitError is a 429: RetryAfter says how long to wait.
type RateLimitError struct{ *StatusError }

// Unwrap returns what it is a kind of.
func (e *RateLimitError) Unwrap() error { return e.StatusError }

// A BudgetExceededError is a 429 for which waiting does not help before the budget renews.
type BudgetExceededError struct{ *RateLimitError }

// Unwrap returns what it is a kind of.
func (e *BudgetExceededError) Unwrap() error { return e.RateLimitError }

// An InternalServerError is a 500 or above.
type InternalServerError struct{ *StatusError }

// Unwrap returns what it is a kind of.
func (e *InternalServerError) Unwrap() error { return e.StatusError }

// A ServiceUnavailableError is a 503: not now.
type ServiceUnavailableError struct{ *InternalServerError }

// Unwrap returns what it is a kind of.
func (e *ServiceUnavailableError) Unwrap() error { return e.InternalServerError }

// A MalformedResponseError is an answer with a good status that is none: an empty body, a page of
// HTML, JSON of another shape.
type MalformedResponseError struct{ *APIError }

// Unwrap returns what it is a kind of.
func (e *MalformedResponseError) Unwrap() error { return e.APIError }

// An IncompleteStreamError is a stream that ended without its end marker: its answer is not whole.
type IncompleteStreamError struct{ *APIError }

// Unwrap returns what it is a kind of.
func (e *IncompleteStreamError) Unwrap() error { return e.APIError }

// A FailedStreamError is what the server told of a failure in the middle of a stream.
type FailedStreamError struct{ *APIError }

// Unwrap returns what it is a kind of.
func (e *FailedStreamError) Unwrap() error { return e.APIError }

// told is the body of an error; what is of another type than it should be says nothing.
type told struct {
	message, kind, code, param string
	retryAfter                 float64
}

func readError(body []byte) told {
	var outer struct{ Error json.RawMessage }
	var fields map[string]any
	if json.Unmarshal(body, &outer) != nil || json.Unmarshal(outer.Error, &fields) != nil {
		return told{}
	}
	text := func(name string) string { value, _ := fields[name].(string); return value }
	seconds, _ := fields["retry_after"].(float64)
	return told{text("message"), text("type"), text("code"), text("param"), seconds}
}

// statusError says what an answer with an error's status means.
func statusError(e *APIError) error {
	said := readError(e.Body)
	e.Message, e.Type, e.Code, e.Param = said.message, said.kind, said.code, said.param
	if e.Message == "" {
		e.Message = fmt.Sprintf("The server answered with status %d.", e.Status)
	}
	if e.RetryAfter == 0 && said.retryAfter > 0 {
		e.RetryAfter = time.Duration(said.retryAfter * float64(time.Second))
	}
	status := &StatusError{e}
	switch {
	case e.Status == 400:
		return &BadRequestError{status}
	case e.Status == 401:
		return &AuthenticationError{status}
	case e.Status == 403:
		return &PermissionDeniedError{status}
	case e.Status == 404:
		return &NotFoundError{status}
	case e.Status == 409:
		return &ConflictError{status}
	case e.Status == 429 && e.Code == "budget_exceeded":
		return &BudgetExceededError{&RateLimitError{status}}
	case e.Status == 429:
		return &RateLimitError{status}
	case e.Status == 503:
		return &ServiceUnavailableError{&InternalServerError{status}}
	case e.Status >= 500:
		return &InternalServerError{status}
	}
	return status
}
