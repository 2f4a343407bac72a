package aihub

import (
	"errors"
	"math"
	"net/http"
	"strconv"
	"strings"
	"time"
)

const (
	longestAsked = 60 * time.Second // a server that asks for more is not waited for
	firstDraw    = 500 * time.Millisecond
	longestDraw  = 8 * time.Second
)

// A manner says what may come of it when a call is asked twice.
type manner int

const (
	repeats manner = iota // nothing: reading, changing and erasing
	named                 // nothing: the server knows it again by its idempotency key
	makes                 // two of what is made
)

// mayRepeat says whether a call that failed so may be asked again.
func mayRepeat(how manner, failed error, headers http.Header) bool {
	var status *StatusError
	if errors.As(failed, &status) {
		return mayRepeatStatus(how, status.APIError, headers)
	}
	var lost *ConnectionError
	if !errors.As(failed, &lost) {
		return false
	}
	var late *TimeoutError
	if errors.As(failed, &late) && late.Phase == PhaseTotal {
		return false
	}
	reached := lost.Code != "connect_failed" && !(late != nil && late.Phase == PhaseConnect)
	return lost.Code != "not_http" && lost.Code != "tls_failed" && (how != makes || !reached)
}

func mayRepeatStatus(how manner, e *APIError, headers http.Header) bool {
	switch headers.Get("X-Should-Retry") {
	case "true":
		return true
	case "false":
		return false
	}
	refused := e.Status == 408 || e.Status == 409 && e.Code == "request_in_progress" ||
		e.Status == 429 && e.Code != "budget_exceeded"
	if how == makes {
		return refused || e.Status == 503 && headers.Get("Retry-After") != ""
	}
	return refused || e.Status >= 500
}

// pause says how long to wait before repetition n, from 0; false where that is too long.
func pause(n int, asked time.Duration, chance float64) (time.Duration, bool) {
	if asked > longestAsked {
		return 0, false
	}
	most := math.Min(float64(longestDraw), float64(firstDraw)*math.Pow(2, float64(n)))
	return asked + time.Duration(chance*most), true
}

// readRetryAfter reads how long an answer asks to wait: whole seconds, rounded up.
func readRetryAfter(headers http.Header, now time.Time) time.Duration {
	if ms, err := strconv.ParseFloat(headers.Get("Retry-After-Ms"), 64); err == nil {
		return wholeSeconds(ms / 1000)
	}
	text := strings.TrimSpace(headers.Get("Retry-After"))
	if seconds, err := strconv.ParseFloat(text, 64); err == nil {
		return wholeSeconds(seconds)
	}
	date, err := http.ParseTime(text)
	if err != nil {
		return 0
	}
	if sent, err := http.ParseTime(headers.Get("Date")); err == nil {
		now = sent
	}
	return wholeSeconds(date.Sub(now).Seconds())
}

func wholeSeconds(seconds float64) time.Duration {
	// A day is longer than anybody waits, and an infinity is no number of seconds.
	if math.IsNaN(seconds) || seconds <= 0 {
		return 0
	}
	return time.Duration(math.Ceil(math.Min(seconds, 86400))) * time.Second
}
