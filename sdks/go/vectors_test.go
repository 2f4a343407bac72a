package aihub

import (
	"bufio"
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"reflect"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

// The cases that say how any SDK behaves; see ../vectors/README.md.

type vectorFile struct {
	Schema string `json:"$schema"`
	About  string
	Cases  []vectorCase
}

type vectorCase struct {
	Name   string
	About  string
	Needs  []string
	Client vectorClient
	Now    string
	Chance *float64
	Call   *vectorCall
	Server json.RawMessage
	Expect vectorExpect
}

type vectorClient struct {
	APIKey     *string `json:"api_key"`
	BaseURL    string  `json:"base_url"`
	Region     string
	MaxRetries *int `json:"max_retries"`
	Timeout    map[string]float64
	Headers    map[string]string
	Env        map[string]string
}

type vectorCall struct {
	Do         string
	With       map[string]json.RawMessage
	LeaveAfter int `json:"leave_after"`
	Cancel     bool
}

type vectorStep struct {
	Status  int
	Headers map[string]string
	JSON    json.RawMessage
	Events  *string
	Text    *string
	Base64  *string
	Cut     bool
	Short   int
	Hang    bool
	Close   bool
	Raw     *string
}

type vectorExpect struct {
	BaseURL    *string `json:"base_url"`
	Requests   *[]vectorRequest
	Waits      *[][2]float64
	Answer     map[string]any
	Kept       map[string]any
	Items      *[]map[string]any
	Texts      *[]string
	Chunks     *int
	Completion map[string]any
	RateLimit  json.RawMessage `json:"rate_limit"`
	NeverShown []string        `json:"never_shown"`
	Closed     bool
	Raises     *vectorError
}

type vectorRequest struct {
	Method  string
	Path    string
	Query   *map[string]string
	Headers map[string]json.RawMessage
	Body    json.RawMessage
}

type vectorError struct {
	Error      string
	Status     optional[int]
	Type       optional[string]
	Code       optional[string]
	Param      optional[string]
	RequestID  optional[string] `json:"request_id"`
	RetryAfter optional[int]    `json:"retry_after"`
	Phase      string
	Body       json.RawMessage
	Says       []string
	NeverSays  []string `json:"never_says"`
}

// optional tells null, which is a zero here, from what is not said.
type optional[T any] struct {
	value T
	said  bool
}

func (o *optional[T]) UnmarshalJSON(told []byte) error {
	o.said = true
	return json.Unmarshal(told, &o.value)
}

func TestVectors(t *testing.T) {
	files, err := filepath.Glob("../vectors/cases/*.json")
	if err != nil || len(files) == 0 {
		t.Fatalf("no vectors: %v", err)
	}
	for _, file := range files {
		written, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		var read vectorFile
		decoder := json.NewDecoder(bytes.NewReader(written))
		decoder.DisallowUnknownFields()
		if err := decoder.Decode(&read); err != nil {
			t.Fatalf("%s: %v", file, err)
		}
		area := strings.TrimSuffix(filepath.Base(file), ".json")
		for _, one := range read.Cases {
			ways := []int{0}
			if strings.Contains(string(one.Server), `"events"`) {
				ways = append(ways, 1)
			}
			for _, way := range ways {
				one, way := one, way
				t.Run(fmt.Sprintf("%s/%s/%d", area, one.Name, way), func(t *testing.T) {
					play(t, one, way)
				})
			}
		}
	}
}

// play plays one case; in pieces of so many bytes, or in one piece where that is 0.
func play(t *testing.T, c vectorCase, pieces int) {
	for _, need := range c.Needs {
		if need != "cancel" {
			t.Fatalf("a need that is not known: %s", need)
		}
	}
	server := serve(t, c, pieces)
	for _, name := range []string{"AIHUB_API_KEY", "AIHUB_BASE_URL"} {
		t.Setenv(name, "") // an empty one counts as not set
		if value, given := c.Client.Env[name]; given {
			t.Setenv(name, value)
		}
	}
	client, waits := makeClient(t, c, server)
	defer client.Close()
	if c.Expect.BaseURL != nil && client.BaseURL() != *c.Expect.BaseURL {
		t.Errorf("it asks at %s", client.BaseURL())
	}
	got := outcome{err: client.Err()}
	if c.Call != nil {
		got = call(t, client, c.Call, server)
	}
	check(t, c, got, client, server, *waits)
	checkGoroutines(t)
}

func makeClient(t *testing.T, c vectorCase, server *vectorServer) (*Client, *[]float64) {
	key, options := "", []Option{}
	base := c.Client.BaseURL
	if c.Call != nil {
		if _, given := c.Client.Env["AIHUB_API_KEY"]; !given {
			key = "test-key"
		}
		if base == "" {
			base = server.url
		}
	}
	if c.Client.APIKey != nil {
		key = *c.Client.APIKey
	}
	if base != "" {
		options = append(options, WithBaseURL(base))
	}
	if c.Client.Region != "" {
		options = append(options, WithRegion(c.Client.Region))
	}
	if c.Client.MaxRetries != nil {
		options = append(options, WithMaxRetries(*c.Client.MaxRetries))
	}
	for phase, seconds := range c.Client.Timeout {
		limit := time.Duration(seconds * float64(time.Second))
		options = append(options, WithTimeout(Phase(phase), limit))
	}
	for name, value := range c.Client.Headers {
		options = append(options, WithHeader(name, value))
	}
	client := NewClient(key, options...)
	now := time.Now()
	if c.Now != "" {
		var err error
		if now, err = time.Parse(time.RFC3339, c.Now); err != nil {
			t.Fatal(err)
		}
	}
	waits := &[]float64{}
	client.now = func() time.Time { return now }
	client.sleep = func(_ context.Context, length time.Duration) error {
		*waits = append(*waits, length.Seconds())
		now = now.Add(length)
		return nil
	}
	if c.Chance != nil {
		client.chance = func() float64 { return *c.Chance }
	}
	return client, waits
}

// The calls

type outcome struct {
	answer     any
	raw        []byte
	items      []any
	texts      []string
	chunks     int
	completion any
	err        error
}

func call(t *testing.T, client *Client, c *vectorCall, server *vectorServer) outcome {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	texts := make(chan struct{}, 1000)
	if c.Cancel {
		go func() {
			<-server.sent
			if c.Do == "chat.stream" {
				<-texts
			}
			cancel()
		}()
	}
	with := map[string]json.RawMessage{}
	for name, value := range c.With {
		with[name] = value
	}
	var id string
	if told, given := with["id"]; given {
		must(t, json.Unmarshal(told, &id))
		delete(with, "id")
	}
	switch c.Do {
	case "chat.create":
		done, err := client.CreateChatCompletionContext(ctx, chatRequest(t, with))
		return whole(done, err)
	case "chat.stream":
		return readStream(ctx, client, chatRequest(t, with), c.LeaveAfter, texts)
	case "models.list":
		none(t, with)
		models, err := client.Models.List(ctx)
		got := outcome{err: err}
		for n := range models {
			got.items = append(got.items, &models[n])
		}
		return got
	case "models.retrieve":
		none(t, with)
		return whole(client.Models.Retrieve(ctx, id))
	case "usage.get":
		query := &UsageQuery{}
		fill(t, with, map[string]any{"start": &query.Start, "end": &query.End,
			"group_by": &query.GroupBy, "account": &query.Account})
		return whole(client.Usage(ctx, query))
	case "sessions.create":
		params := &SessionParams{}
		strict(t, with, params)
		return whole(client.Sessions.Create(ctx, params))
	case "sessions.list":
		return readList(ctx, client.Sessions.List(listQuery(t, with)))
	case "sessions.get":
		query := &MessagesQuery{}
		fill(t, with, map[string]any{"limit": &query.Limit, "after": &query.After,
			"order": &query.Order})
		return whole(client.Sessions.Get(ctx, id, query))
	case "sessions.update":
		return whole(client.Sessions.Update(ctx, id, fields(t, with)))
	case "sessions.delete":
		none(t, with)
		return whole(client.Sessions.Delete(ctx, id))
	case "sessions.fork":
		return whole(client.Sessions.Fork(ctx, id, fields(t, with)))
	case "keys.create":
		params := &KeyParams{}
		strict(t, with, params)
		return whole(client.Keys.Create(ctx, params))
	case "keys.list":
		return readList(ctx, client.Keys.List(listQuery(t, with)))
	case "keys.get":
		whose := account(t, with)
		none(t, with)
		return whole(client.Keys.Get(ctx, id, whose...))
	case "keys.update":
		whose := account(t, with)
		return whole(client.Keys.Update(ctx, id, fields(t, with), whose...))
	case "keys.rotate":
		whose := account(t, with)
		return whole(client.Keys.Rotate(ctx, id, fields(t, with), whose...))
	case "keys.revoke":
		whose := account(t, with)
		none(t, with)
		return whole(client.Keys.Revoke(ctx, id, whose...))
	case "accounts.create":
		params := &AccountParams{}
		strict(t, with, params)
		return whole(client.Accounts.Create(ctx, params))
	case "accounts.list":
		return readList(ctx, client.Accounts.List(listQuery(t, with)))
	case "accounts.get":
		none(t, with)
		return whole(client.Accounts.Get(ctx, id))
	case "accounts.update":
		return whole(client.Accounts.Update(ctx, id, fields(t, with)))
	case "accounts.delete":
		none(t, with)
		return whole(client.Accounts.Delete(ctx, id))
	case "plans.list":
		return readList(ctx, client.Plans.List(listQuery(t, with)))
	case "plans.get":
		none(t, with)
		return whole(client.Plans.Get(ctx, id))
	case "plans.update":
		return whole(client.Plans.Update(ctx, id, fields(t, with)))
	case "plans.delete":
		none(t, with)
		return whole(client.Plans.Delete(ctx, id))
	case "budgets.create":
		params := &BudgetParams{}
		strict(t, with, params)
		return whole(client.Budgets.Create(ctx, params))
	case "budgets.list":
		return readList(ctx, client.Budgets.List(listQuery(t, with)))
	case "budgets.get":
		whose := account(t, with)
		none(t, with)
		return whole(client.Budgets.Get(ctx, id, whose...))
	case "budgets.update":
		whose := account(t, with)
		return whole(client.Budgets.Update(ctx, id, fields(t, with), whose...))
	case "budgets.delete":
		whose := account(t, with)
		none(t, with)
		return whole(client.Budgets.Delete(ctx, id, whose...))
	}
	t.Fatalf("a call that is not known: %s", c.Do)
	return outcome{}
}

func whole[T any, P interface {
	*T
	RawJSON() []byte
}](value P, err error) outcome {
	if err != nil {
		return outcome{err: err}
	}
	return outcome{answer: value, raw: value.RawJSON()}
}

func readList[T any, P pointer[T]](ctx context.Context, list *List[T, P]) outcome {
	got := outcome{items: []any{}}
	for list.Next(ctx) {
		got.items = append(got.items, list.Value())
	}
	got.err = list.Err()
	return got
}

func readStream(
	ctx context.Context, client *Client, request *ChatCompletionRequest, leave int, said chan<- struct{},
) outcome {
	got := outcome{texts: []string{}}
	stream, err := client.CreateChatCompletionStream(ctx, request)
	if err != nil {
		got.err = err
		return got
	}
	defer stream.Close()
	for {
		chunk, err := stream.Recv()
		if err == io.EOF {
			got.completion, got.err = stream.Completion()
			return got
		}
		if err != nil {
			got.err = err
			return got
		}
		got.chunks++
		if text := chunk.Text(); text != "" {
			got.texts = append(got.texts, text)
			said <- struct{}{}
		}
		if leave > 0 && len(got.texts) == leave {
			return got
		}
	}
}

// chatRequest gives what the request knows by its fields, and the rest as further ones.
func chatRequest(t *testing.T, with map[string]json.RawMessage) *ChatCompletionRequest {
	request := &ChatCompletionRequest{Extra: map[string]any{}}
	known := map[string]json.RawMessage{}
	for name, value := range with {
		switch name {
		case "idempotency_key":
			must(t, json.Unmarshal(value, &request.IdempotencyKey))
		case "extra_body":
			must(t, json.Unmarshal(value, &request.Extra))
		case "model", "messages", "session_id", "temperature", "max_tokens", "stream_options":
			known[name] = value
		default:
			request.Extra[name] = value
		}
	}
	written, err := json.Marshal(known)
	must(t, err)
	must(t, json.Unmarshal(written, request))
	return request
}

// account takes out whose something is.
func account(t *testing.T, with map[string]json.RawMessage) []Whose {
	value, named := with["account"]
	if !named {
		return nil
	}
	delete(with, "account")
	var id string
	must(t, json.Unmarshal(value, &id))
	return []Whose{OfAccount(id)}
}

func fields(t *testing.T, with map[string]json.RawMessage) Fields {
	made := Fields{}
	for name, value := range with {
		made[name] = value
	}
	return made
}

func listQuery(t *testing.T, with map[string]json.RawMessage) *ListQuery {
	query := &ListQuery{}
	fill(t, with, map[string]any{"limit": &query.Limit, "after": &query.After,
		"account": &query.Account})
	return query
}

func fill(t *testing.T, with map[string]json.RawMessage, into map[string]any) {
	for name, value := range with {
		if into[name] == nil {
			t.Fatalf("an argument that is not known: %s", name)
		}
		must(t, json.Unmarshal(value, into[name]))
	}
}

func strict(t *testing.T, with map[string]json.RawMessage, into any) {
	written, err := json.Marshal(with)
	must(t, err)
	decoder := json.NewDecoder(bytes.NewReader(written))
	decoder.DisallowUnknownFields()
	must(t, decoder.Decode(into))
}

func none(t *testing.T, with map[string]json.RawMessage) {
	if len(with) > 0 {
		t.Fatalf("arguments that are not known: %v", with)
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// What is expected

func check(
	t *testing.T, c vectorCase, got outcome, client *Client, server *vectorServer, waits []float64,
) {
	want := c.Expect
	if want.Raises != nil {
		checkError(t, want.Raises, got.err)
	} else if got.err != nil && !c.cancels() {
		t.Errorf("it failed: %v", got.err)
	}
	if c.cancels() && !errors.Is(got.err, context.Canceled) {
		t.Errorf("it was not cancelled: %v", got.err)
	}
	if want.Requests != nil {
		server.checkRequests(t, *want.Requests)
	}
	if want.Waits != nil {
		if len(waits) != len(*want.Waits) {
			t.Errorf("it waited %v, not %v", waits, *want.Waits)
		} else {
			for n, bounds := range *want.Waits {
				if waits[n] < bounds[0]-1e-9 || waits[n] > bounds[1]+1e-9 {
					t.Errorf("it waited %v, not %v", waits, *want.Waits)
				}
			}
		}
	}
	checkValues(t, "the answer", want.Answer, got.answer)
	var raw any
	if got.raw != nil {
		must(t, json.Unmarshal(got.raw, &raw))
	}
	checkValues(t, "what is kept", want.Kept, raw)
	checkValues(t, "the completion", want.Completion, got.completion)
	if want.Items != nil {
		if len(got.items) != len(*want.Items) {
			t.Fatalf("there are %d items", len(got.items))
		}
		for n, values := range *want.Items {
			checkValues(t, "an item", values, got.items[n])
		}
	}
	if want.Texts != nil && !reflect.DeepEqual(append([]string{}, got.texts...), *want.Texts) {
		t.Errorf("its texts are %q", got.texts)
	}
	if want.Chunks != nil && got.chunks != *want.Chunks {
		t.Errorf("it has %d chunks", got.chunks)
	}
	if want.RateLimit != nil {
		checkLimit(t, want.RateLimit, client.LastRateLimit())
	}
	for _, secret := range want.NeverShown {
		if shown := fmt.Sprintf("%v %+v %#v %s", got.answer, got.answer, got.answer, got.answer); strings.Contains(shown, secret) {
			t.Errorf("it shows %s", shown)
		}
	}
	if want.Closed {
		select {
		case <-server.left:
		case <-time.After(10 * time.Second):
			t.Error("the connection was not closed")
		}
	}
}

func (c vectorCase) cancels() bool { return c.Call != nil && c.Call.Cancel }

func checkLimit(t *testing.T, want json.RawMessage, got *RateLimit) {
	var limit *struct{ Limit, Remaining, Reset int }
	must(t, json.Unmarshal(want, &limit))
	if (limit == nil) != (got == nil) {
		t.Fatalf("the limit is %v", got)
	}
	if limit != nil && (got.Limit != limit.Limit || got.Remaining != limit.Remaining ||
		got.Reset.Unix() != int64(limit.Reset)) {
		t.Errorf("the limit is %v", got)
	}
}

// checkValues holds what JSON pointers name; nothing, an empty text and null are the same here.
func checkValues(t *testing.T, what string, want map[string]any, got any) {
	if len(want) == 0 {
		return
	}
	written, err := json.Marshal(got)
	must(t, err)
	if key, is := got.(*Key); is {
		type plain Key // without the format that hides
		written, err = json.Marshal((*plain)(key))
		must(t, err)
	}
	for pointer, value := range want {
		var found any
		must(t, json.Unmarshal(written, &found))
		for _, name := range strings.Split(pointer, "/")[1:] {
			name = strings.NewReplacer("~1", "/", "~0", "~").Replace(name)
			switch at := found.(type) {
			case map[string]any:
				found = at[name]
			case []any:
				n, err := strconv.Atoi(name)
				must(t, err)
				found = nil
				if n < len(at) {
					found = at[n]
				}
			default:
				found = nil
			}
		}
		if found == "" && value == nil {
			continue
		}
		if !reflect.DeepEqual(found, value) {
			t.Errorf("%s has %v at %s, not %v", what, found, pointer, value)
		}
	}
}

func checkError(t *testing.T, want *vectorError, err error) {
	if err == nil {
		t.Fatalf("it did not fail with %s", want.Error)
	}
	classes := map[string]any{
		"configuration": new(*ConfigurationError), "connection": new(*ConnectionError),
		"timeout": new(*TimeoutError), "status": new(*StatusError),
		"bad_request": new(*BadRequestError), "authentication": new(*AuthenticationError),
		"permission_denied": new(*PermissionDeniedError), "not_found": new(*NotFoundError),
		"conflict": new(*ConflictError), "rate_limit": new(*RateLimitError),
		"budget_exceeded": new(*BudgetExceededError), "internal_server": new(*InternalServerError),
		"service_unavailable": new(*ServiceUnavailableError),
		"malformed_response":  new(*MalformedResponseError),
		"incomplete_stream":   new(*IncompleteStreamError), "failed_stream": new(*FailedStreamError),
	}
	narrowest, known := classes[want.Error]
	if !known {
		t.Fatalf("a class that is not known: %s", want.Error)
	}
	if reflect.TypeOf(err) != reflect.TypeOf(narrowest).Elem() || !errors.As(err, narrowest) {
		t.Fatalf("it is a %T: %v", err, err)
	}
	var e *APIError
	if !errors.As(err, &e) {
		t.Fatalf("%T is no APIError", err)
	}
	same(t, "status", want.Status, e.Status)
	same(t, "type", want.Type, e.Type)
	same(t, "code", want.Code, e.Code)
	same(t, "param", want.Param, e.Param)
	same(t, "request_id", want.RequestID, e.RequestID)
	same(t, "retry_after", want.RetryAfter, int(e.RetryAfter/time.Second))
	var late *TimeoutError
	if want.Phase != "" && (!errors.As(err, &late) || string(late.Phase) != want.Phase) {
		t.Errorf("its phase is not %s: %v", want.Phase, err)
	}
	if want.Body != nil {
		var expected, found any
		must(t, json.Unmarshal(want.Body, &expected))
		if json.Unmarshal(e.Body, &found) != nil {
			found = string(e.Body)
		}
		if !reflect.DeepEqual(found, expected) {
			t.Errorf("its body is %v, not %v", found, expected)
		}
	}
	for _, text := range want.Says {
		if !strings.Contains(err.Error(), text) {
			t.Errorf("it does not say %q: %v", text, err)
		}
	}
	shown := fmt.Sprintf("%v %+v %#v", err, err, err)
	for _, text := range want.NeverSays {
		if strings.Contains(shown, text) {
			t.Errorf("it says %q", text)
		}
	}
}

func same[T comparable](t *testing.T, name string, want optional[T], got T) {
	if want.said && want.value != got {
		t.Errorf("its %s is %v, not %v", name, got, want.value)
	}
}

// checkGoroutines waits until no goroutine is left that asks.
func checkGoroutines(t *testing.T) {
	for until := time.Now().Add(10 * time.Second); ; time.Sleep(time.Millisecond) {
		stacks := make([]byte, 1<<20)
		stacks = stacks[:runtime.Stack(stacks, true)]
		ours := 0
		for _, one := range strings.Split(string(stacks), "\n\n") {
			if strings.Contains(one, "go-sdk.(*attempt)") || strings.Contains(one, "go-sdk.(*Client)") {
				ours++
			}
		}
		if ours == 0 {
			return
		}
		if time.Now().After(until) {
			t.Fatalf("%d goroutines are left:\n%s", ours, stacks)
		}
	}
}

// The server

type vectorServer struct {
	url  string
	sent chan struct{} // closed when all has been sent that there is to send
	left chan struct{} // closed when a client has closed its connection after that

	mutex    sync.Mutex
	requests []seenRequest
	steps    []vectorStep
	pieces   int
	sentOnce sync.Once
	leftOnce sync.Once
}

type seenRequest struct {
	method, path string
	query        map[string]string
	headers      http.Header
	body         []byte
}

func serve(t *testing.T, c vectorCase, pieces int) *vectorServer {
	s := &vectorServer{sent: make(chan struct{}), left: make(chan struct{}), pieces: pieces}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	s.url = "http://" + listener.Addr().String() + "/v1"
	if string(c.Server) == `"nobody"` || c.Server == nil {
		listener.Close()
		return s
	}
	decoder := json.NewDecoder(bytes.NewReader(c.Server))
	decoder.DisallowUnknownFields()
	must(t, decoder.Decode(&s.steps))
	var open sync.WaitGroup
	t.Cleanup(func() { listener.Close(); open.Wait() })
	go func() {
		for {
			connection, err := listener.Accept()
			if err != nil {
				return
			}
			open.Add(1)
			go func() { defer open.Done(); s.converse(connection) }()
		}
	}()
	return s
}

func (s *vectorServer) converse(connection net.Conn) {
	defer connection.Close()
	reader := bufio.NewReader(connection)
	for {
		request, err := http.ReadRequest(reader)
		if err != nil {
			return
		}
		body, err := io.ReadAll(request.Body)
		if err != nil {
			return
		}
		step, more := s.note(request, body)
		if !more || !s.answer(connection, step) {
			return
		}
		if step.Hang {
			s.sentOnce.Do(func() { close(s.sent) })
			_, _ = reader.ReadByte()
			s.leftOnce.Do(func() { close(s.left) })
			return
		}
	}
}

func (s *vectorServer) note(request *http.Request, body []byte) (vectorStep, bool) {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	query := map[string]string{}
	for name := range request.URL.Query() {
		query[name] = request.URL.Query().Get(name)
	}
	path, _, _ := strings.Cut(request.RequestURI, "?")
	s.requests = append(s.requests, seenRequest{request.Method, path, query, request.Header, body})
	if len(s.requests) > len(s.steps) {
		return vectorStep{}, false
	}
	return s.steps[len(s.requests)-1], true
}

// answer sends one step; false where the connection then ends.
func (s *vectorServer) answer(to net.Conn, step vectorStep) bool {
	if step.Raw != nil {
		_, _ = io.WriteString(to, *step.Raw)
		return false
	}
	if step.Close {
		return false
	}
	if step.Status == 0 {
		return true
	}
	headers, body := http.Header{}, []byte{}
	switch {
	case step.JSON != nil:
		headers.Set("Content-Type", "application/json")
		body = step.JSON
	case step.Events != nil:
		headers.Set("Content-Type", "text/event-stream")
		body = []byte(*step.Events)
	case step.Text != nil:
		body = []byte(*step.Text)
	case step.Base64 != nil:
		body, _ = base64.StdEncoding.DecodeString(*step.Base64)
	}
	for name, value := range step.Headers {
		headers.Set(name, value)
	}
	var out bytes.Buffer
	fmt.Fprintf(&out, "HTTP/1.1 %d Status\r\n", step.Status)
	chunked := step.Events != nil
	if chunked {
		headers.Set("Transfer-Encoding", "chunked")
	} else {
		headers.Set("Content-Length", strconv.Itoa(len(body)))
	}
	_ = headers.Write(&out)
	out.WriteString("\r\n")
	sent := body[:len(body)-step.Short]
	if step.Cut && !chunked {
		sent = body[:len(body)-5]
	}
	if !chunked {
		out.Write(sent)
		_, _ = to.Write(out.Bytes())
		return !step.Cut
	}
	_, _ = to.Write(out.Bytes())
	size := len(sent)
	if s.pieces > 0 {
		size = s.pieces
	}
	for at := 0; at < len(sent); at += size {
		end := at + size
		if end > len(sent) {
			end = len(sent)
		}
		fmt.Fprintf(to, "%x\r\n%s\r\n", end-at, sent[at:end])
	}
	if step.Cut {
		return false
	}
	if !step.Hang {
		_, _ = io.WriteString(to, "0\r\n\r\n")
	}
	return true
}

func (s *vectorServer) checkRequests(t *testing.T, want []vectorRequest) {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	if len(s.requests) != len(want) {
		t.Fatalf("there were %d requests, not %d", len(s.requests), len(want))
	}
	for n, one := range want {
		got := s.requests[n]
		if one.Method != "" && got.method != one.Method || one.Path != "" && got.path != one.Path {
			t.Errorf("it asked %s %s", got.method, got.path)
		}
		if one.Query != nil && !reflect.DeepEqual(got.query, *one.Query) {
			t.Errorf("its query is %v, not %v", got.query, *one.Query)
		}
		for name, told := range one.Headers {
			s.checkHeader(t, got, name, told)
		}
		if one.Body != nil {
			var expected, found any
			must(t, json.Unmarshal(one.Body, &expected))
			if len(got.body) > 0 {
				must(t, json.Unmarshal(got.body, &found))
			}
			if !reflect.DeepEqual(found, expected) {
				t.Errorf("its body is %s, not %s", got.body, one.Body)
			}
		}
	}
}

func (s *vectorServer) checkHeader(t *testing.T, got seenRequest, name string, told json.RawMessage) {
	value := got.headers.Get(name)
	var text string
	if json.Unmarshal(told, &text) == nil {
		if value != text {
			t.Errorf("its %s is %q, not %q", name, value, text)
		}
		return
	}
	var rule struct {
		Present *bool
		SameAs  *int `json:"same_as"`
	}
	must(t, json.Unmarshal(told, &rule))
	if rule.Present != nil && (value != "") != *rule.Present {
		t.Errorf("its %s is %q", name, value)
	}
	if rule.SameAs != nil && value != s.requests[*rule.SameAs].headers.Get(name) {
		t.Errorf("its %s is another one", name)
	}
}
