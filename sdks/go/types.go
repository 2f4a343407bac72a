package aihub

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"time"
)

// Fields are the fields of a change, by the names of the API: nil is sent as null, which takes away.
type Fields map[string]any

// kept is the JSON of an answer as it came.
type kept struct{ whole []byte }

func (k *kept) keep(whole []byte) { k.whole = whole }

// RawJSON returns the answer as it came, with the fields that are not known here.
func (k *kept) RawJSON() []byte { return append([]byte(nil), k.whole...) }

// A ChatMessage is one message of a conversation. Where a content is more than a text, Parts has it.
type ChatMessage struct {
	Role       string        `json:"role"`
	Content    string        `json:"content"`
	Parts      []ContentPart `json:"-"`
	Name       string        `json:"name,omitempty"`
	ToolCalls  []ToolCall    `json:"tool_calls,omitempty"`
	ToolCallID string        `json:"tool_call_id,omitempty"`
	// Refusal and ReasoningContent are a model's alone.
	Refusal          string `json:"refusal,omitempty"`
	ReasoningContent string `json:"reasoning_content,omitempty"`
}

// MarshalJSON writes the parts in place of the content where there are some, and null where a message
// has calls of tools and no text.
func (m ChatMessage) MarshalJSON() ([]byte, error) {
	type plain ChatMessage
	written := struct {
		plain
		Content any `json:"content"`
	}{plain(m), m.Content}
	if len(m.Parts) > 0 {
		written.Content = m.Parts
	} else if m.Content == "" && (len(m.ToolCalls) > 0 || m.Refusal != "") {
		written.Content = nil
	}
	return json.Marshal(written)
}

// A ContentPart is a text, a picture or another piece of a content, as the API has it.
type ContentPart map[string]any

// TextPart returns a piece of text.
func TextPart(text string) ContentPart { return ContentPart{"type": "text", "text": text} }

// ImagePart returns a picture, by its address or as a data URL.
func ImagePart(url string) ContentPart {
	return ContentPart{"type": "image_url", "image_url": map[string]any{"url": url}}
}

// A ToolCall is a model's wish to call a tool. In a stream it is a piece of the call with its Index.
type ToolCall struct {
	Index    *int          `json:"index,omitempty"`
	ID       string        `json:"id,omitempty"`
	Type     string        `json:"type,omitempty"`
	Function *FunctionCall `json:"function,omitempty"`
	Custom   *CustomCall   `json:"custom,omitempty"`
}

// A FunctionCall names a function; its arguments are JSON as the model wrote it.
type FunctionCall struct {
	Name      string `json:"name,omitempty"`
	Arguments string `json:"arguments"`
}

// A CustomCall names a custom tool; its input is any text.
type CustomCall struct {
	Name  string `json:"name,omitempty"`
	Input string `json:"input"`
}

// A Tool is a function that a model may call.
type Tool struct {
	Type     string    `json:"type"`
	Function *Function `json:"function,omitempty"`
}

// A Function is described by a JSON Schema of its parameters.
type Function struct {
	Name        string `json:"name"`
	Description string `json:"description,omitempty"`
	Parameters  any    `json:"parameters,omitempty"`
	Strict      *bool  `json:"strict,omitempty"`
}

// A ChatCompletionRequest asks for an answer to a conversation.
type ChatCompletionRequest struct {
	Model               string         `json:"model,omitempty"`
	Messages            []ChatMessage  `json:"messages"`
	SessionID           string         `json:"session_id,omitempty"`
	MaxTokens           int            `json:"max_tokens,omitempty"`
	MaxCompletionTokens int            `json:"max_completion_tokens,omitempty"`
	Temperature         *float64       `json:"temperature,omitempty"`
	TopP                *float64       `json:"top_p,omitempty"`
	N                   int            `json:"n,omitempty"`
	Stop                []string       `json:"stop,omitempty"`
	Seed                *int           `json:"seed,omitempty"`
	Tools               []Tool         `json:"tools,omitempty"`
	ToolChoice          any            `json:"tool_choice,omitempty"`
	ResponseFormat      any            `json:"response_format,omitempty"`
	ReasoningEffort     string         `json:"reasoning_effort,omitempty"`
	StreamOptions       *StreamOptions `json:"stream_options,omitempty"`
	User                string         `json:"user,omitempty"`
	Extra               map[string]any `json:"-"` // further fields, which win; nil is sent as null
	IdempotencyKey      string         `json:"-"` // by which the server knows it again; made where empty
}

// StreamOptions say what a stream tells besides.
type StreamOptions struct {
	IncludeUsage bool `json:"include_usage"`
}

// body returns the request as it is sent.
func (r *ChatCompletionRequest) body(stream bool) (map[string]any, error) {
	written, err := json.Marshal(r)
	if err != nil {
		return nil, misuse("the request cannot be written as JSON", err)
	}
	fields := map[string]any{}
	for name, value := range r.Extra {
		fields[name] = value
	}
	var own map[string]json.RawMessage
	if err := json.Unmarshal(written, &own); err != nil {
		return nil, misuse("the request cannot be written as JSON", err)
	}
	for name, value := range own {
		if _, given := fields[name]; !given {
			fields[name] = value
		}
	}
	fields["stream"] = stream
	return fields, nil
}

// A ChatCompletion is an answer to a chat.
type ChatCompletion struct {
	kept
	ID                string   `json:"id"`
	Object            string   `json:"object"`
	Created           int64    `json:"created"`
	Model             string   `json:"model"`
	Choices           []Choice `json:"choices"`
	Usage             *Usage   `json:"usage,omitempty"`
	SystemFingerprint string   `json:"system_fingerprint,omitempty"`
}

func (c *ChatCompletion) lacks() string {
	if c.Choices == nil {
		return "choices"
	}
	return ""
}

// A Choice is one of the answers that were asked for.
type Choice struct {
	Index        int             `json:"index"`
	Message      ChatMessage     `json:"message"`
	FinishReason string          `json:"finish_reason"`
	Logprobs     json.RawMessage `json:"logprobs,omitempty"`
}

// Usage is what an answer took. Cost is in USD, exact, and empty where the server does not tell it;
// Source says who counted.
type Usage struct {
	PromptTokens            int           `json:"prompt_tokens"`
	CompletionTokens        int           `json:"completion_tokens"`
	TotalTokens             int           `json:"total_tokens"`
	Cost                    json.Number   `json:"cost,omitempty"`
	Source                  string        `json:"source,omitempty"`
	PromptTokensDetails     *TokenDetails `json:"prompt_tokens_details,omitempty"`
	CompletionTokensDetails *TokenDetails `json:"completion_tokens_details,omitempty"`
}

// TokenDetails say of what kinds tokens were.
type TokenDetails struct {
	CachedTokens    int `json:"cached_tokens,omitempty"`
	ReasoningTokens int `json:"reasoning_tokens,omitempty"`
}

// A ChatCompletionChunk is a piece of a streamed answer.
type ChatCompletionChunk struct {
	kept
	ID      string        `json:"id"`
	Object  string        `json:"object"`
	Created int64         `json:"created"`
	Model   string        `json:"model"`
	Choices []ChunkChoice `json:"choices"`
	Usage   *Usage        `json:"usage,omitempty"`
}

func (c *ChatCompletionChunk) lacks() string {
	if c.Choices == nil {
		return "choices"
	}
	return ""
}

// Text returns the piece's text of the first choice; empty where it has none.
func (c *ChatCompletionChunk) Text() string {
	for _, choice := range c.Choices {
		if choice.Index == 0 {
			return choice.Delta.Content
		}
	}
	return ""
}

// A ChunkChoice is a piece of one of the answers.
type ChunkChoice struct {
	Index        int             `json:"index"`
	Delta        ChatMessage     `json:"delta"`
	FinishReason string          `json:"finish_reason"`
	Logprobs     json.RawMessage `json:"logprobs,omitempty"`
}

// A Model is one that may be asked. Prices are USD a token, exact.
type Model struct {
	kept
	ID            string            `json:"id"`
	Object        string            `json:"object"`
	Created       int64             `json:"created"`
	OwnedBy       string            `json:"owned_by"`
	ContextWindow int               `json:"context_window,omitempty"`
	MaxOutput     *int              `json:"max_output,omitempty"`
	Pricing       map[string]string `json:"pricing,omitempty"`
}

func (m *Model) lacks() string { return missing("id", m.ID) }

// A UsageReport is what an account used in a period.
type UsageReport struct {
	kept
	Period struct {
		Start string `json:"start"`
		End   string `json:"end"`
	} `json:"period"`
	Usage *UsageSums `json:"usage"`
}

func (u *UsageReport) lacks() string {
	if u.Usage == nil {
		return "usage"
	}
	return ""
}

// UsageSums are sums over a period, and by groups: by model where nothing else is asked for. Costs are
// USD, exact.
type UsageSums struct {
	TotalRequests int                 `json:"total_requests"`
	TotalTokens   int                 `json:"total_tokens"`
	TotalCost     json.Number         `json:"total_cost"`
	Models        map[string]UsageSum `json:"models,omitempty"`
	ServedModels  map[string]UsageSum `json:"served_models,omitempty"`
	Days          map[string]UsageSum `json:"days,omitempty"`
	Keys          map[string]UsageSum `json:"keys,omitempty"`
}

// A UsageSum is what one group used.
type UsageSum struct {
	Requests int         `json:"requests"`
	Tokens   int         `json:"tokens"`
	Cost     json.Number `json:"cost"`
}

// A Session is a conversation that the server keeps.
type Session struct {
	kept
	ID            string            `json:"id"`
	Object        string            `json:"object"`
	Title         *string           `json:"title"`
	Model         *string           `json:"model"`
	SystemPrompt  *string           `json:"system_prompt"`
	ContextPolicy string            `json:"context_policy"`
	Metadata      map[string]string `json:"metadata"`
	Created       int64             `json:"created"`
	Updated       int64             `json:"updated"`
	Version       int               `json:"version"`
	ForkedFrom    *SessionTurn      `json:"forked_from"`
	Totals        *SessionTotals    `json:"totals"`
	Messages      *SessionMessages  `json:"messages,omitempty"`
}

func (s *Session) lacks() string { return missing("id", s.ID) }

// A SessionTurn is a place in a session.
type SessionTurn struct {
	Session string `json:"session"`
	Turn    int    `json:"turn"`
}

// SessionTotals are what a session has come to.
type SessionTotals struct {
	Turns            int         `json:"turns"`
	Messages         int         `json:"messages"`
	PromptTokens     int         `json:"prompt_tokens"`
	CompletionTokens int         `json:"completion_tokens"`
	TotalTokens      int         `json:"total_tokens"`
	Cost             json.Number `json:"cost"`
}

// SessionMessages are a page of a session's messages.
type SessionMessages struct {
	Data    []SessionMessage `json:"data"`
	HasMore bool             `json:"has_more"`
	LastID  string           `json:"last_id"`
}

// A SessionMessage is a message, and its place.
type SessionMessage struct {
	ID         string          `json:"id"`
	Turn       int             `json:"turn"`
	Role       string          `json:"role"`
	Content    json.RawMessage `json:"content"` // a text, or parts
	Incomplete bool            `json:"incomplete"`
}

// A Key is one of an account's keys. Its Secret is in the answer that made it, and nowhere else.
type Key struct {
	kept
	ID                string   `json:"id"`
	Object            string   `json:"object"`
	Account           string   `json:"account"`
	Name              string   `json:"name"`
	Hint              string   `json:"hint"`
	Status            string   `json:"status"`
	Scopes            []string `json:"scopes"`
	Created           int64    `json:"created"`
	Expires           *int64   `json:"expires"`
	Revoked           *int64   `json:"revoked"`
	RequestsPerMinute *int     `json:"requests_per_minute"`
	TokensPerMinute   *int     `json:"tokens_per_minute"`
	Lineage           string   `json:"lineage"`
	Secret            string   `json:"secret,omitempty"`
}

func (k *Key) lacks() string { return missing("id", k.ID) }

// Format shows which key it is, and never its secret, whatever the verb.
func (k Key) Format(to fmt.State, _ rune) {
	fmt.Fprintf(to, "aihub.Key(%s, ...%s, %s)", k.ID, k.Hint, k.Status)
}

// An Account is one whom keys belong to.
type Account struct {
	kept
	ID       string  `json:"id"`
	Object   string  `json:"object"`
	Name     string  `json:"name"`
	Plan     string  `json:"plan"`
	Operator bool    `json:"operator"`
	Region   *string `json:"region"`
	Created  int64   `json:"created"`
}

func (a *Account) lacks() string { return missing("id", a.ID) }

// A Plan is what an account may do in a minute; a limit that there is not is nil.
type Plan struct {
	kept
	ID                string `json:"id"`
	Object            string `json:"object"`
	RequestsPerMinute *int   `json:"requests_per_minute"`
	TokensPerMinute   *int   `json:"tokens_per_minute"`
	Parallel          *int   `json:"parallel"`
	TokenReserve      string `json:"token_reserve"`
	BuiltIn           bool   `json:"built_in"`
}

func (p *Plan) lacks() string { return missing("id", p.ID) }

// A Budget is what may be spent in a period; money is USD as decimal text.
type Budget struct {
	kept
	ID      string  `json:"id"`
	Object  string  `json:"object"`
	Account string  `json:"account"`
	Key     *string `json:"key"`
	Period  string  `json:"period"`
	Limit   string  `json:"limit"`
	Spent   string  `json:"spent"`
	Held    string  `json:"held"`
	Renews  *int64  `json:"renews"`
}

func (b *Budget) lacks() string { return missing("id", b.ID) }

// An Ended is what is left of something that was erased or revoked.
type Ended struct {
	kept
	ID      string `json:"id"`
	Object  string `json:"object"`
	Deleted bool   `json:"deleted,omitempty"`
	Revoked bool   `json:"revoked,omitempty"`
}

func (e *Ended) lacks() string { return missing("id", e.ID) }

func missing(name, value string) string {
	if value == "" {
		return name
	}
	return ""
}

// remember notes how the limit stands, where an answer tells it.
func (c *Client) remember(headers http.Header) {
	var numbers [3]int
	for n, name := range []string{"Limit", "Remaining", "Reset"} {
		value, err := strconv.Atoi(headers.Get("X-Ratelimit-" + name))
		if err != nil {
			return
		}
		numbers[n] = value
	}
	c.limit.Store(&RateLimit{numbers[0], numbers[1], time.Unix(int64(numbers[2]), 0)})
}
