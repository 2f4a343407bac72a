package aihub

import (
	"context"
	"net/url"
	"strconv"
)

// Models are the models that there are.
type Models struct{ client *Client }

// List returns all models.
func (m *Models) List(ctx context.Context) ([]Model, error) {
	found := &page[Model, *Model]{}
	err := m.client.do(ctx, job{method: "GET", path: []string{"models"}}, found)
	return found.Data, err
}

// Retrieve returns one model.
func (m *Models) Retrieve(ctx context.Context, id string) (*Model, error) {
	return get[Model](ctx, m.client, job{method: "GET", path: []string{"models", id}})
}

// A UsageQuery says what of the usage is wanted; what is empty is the server's default.
type UsageQuery struct {
	Start   string // RFC 3339, a whole hour in UTC
	End     string
	GroupBy string // day, model, served_model or key
	Account string
}

// Usage returns what was used: in this calendar month, by model, where query is nil.
func (c *Client) Usage(ctx context.Context, query *UsageQuery) (*UsageReport, error) {
	asked := url.Values{}
	if query != nil {
		set(asked, "start", query.Start)
		set(asked, "end", query.End)
		set(asked, "group_by", query.GroupBy)
		set(asked, "account", query.Account)
	}
	return get[UsageReport](ctx, c, job{method: "GET", path: []string{"usage"}, query: asked})
}

// A ListQuery says which page of a list to begin with.
type ListQuery struct {
	Limit   int    // entries of a page; the server's default where it is 0
	After   string // the id behind which to begin
	Account string
}

func (q *ListQuery) values() url.Values {
	asked := url.Values{}
	if q != nil {
		if q.Limit != 0 {
			asked.Set("limit", strconv.Itoa(q.Limit))
		}
		set(asked, "after", q.After)
		set(asked, "account", q.Account)
	}
	return asked
}

// Sessions are conversations that the server keeps.
type Sessions struct{ client *Client }

// SessionParams describe a new session.
type SessionParams struct {
	Title         string            `json:"title,omitempty"`
	Model         string            `json:"model,omitempty"`
	SystemPrompt  string            `json:"system_prompt,omitempty"`
	ContextPolicy string            `json:"context_policy,omitempty"`
	Metadata      map[string]string `json:"metadata,omitempty"`
}

// Create begins a session. It is asked again only where the server has not begun one.
func (s *Sessions) Create(ctx context.Context, params *SessionParams) (*Session, error) {
	if params == nil {
		params = &SessionParams{}
	}
	return get[Session](ctx, s.client, job{method: "POST", path: []string{"sessions"}, body: params, how: makes})
}

// List goes through sessions, page by page.
func (s *Sessions) List(query *ListQuery) *List[Session, *Session] {
	return &List[Session, *Session]{client: s.client, path: "sessions", query: query.values()}
}

// A MessagesQuery says which page of a session's messages is wanted.
type MessagesQuery struct {
	Limit int
	After string
	Order string // asc or desc
}

// Get returns a session with a page of its messages.
func (s *Sessions) Get(ctx context.Context, id string, query *MessagesQuery) (*Session, error) {
	asked := url.Values{}
	if query != nil {
		if query.Limit != 0 {
			asked.Set("limit", strconv.Itoa(query.Limit))
		}
		set(asked, "after", query.After)
		set(asked, "order", query.Order)
	}
	return get[Session](ctx, s.client, job{method: "GET", path: []string{"sessions", id}, query: asked})
}

// Update changes what is named: a nil takes a field away, and a version makes sure that nobody else
// has changed it meanwhile.
func (s *Sessions) Update(ctx context.Context, id string, change Fields) (*Session, error) {
	return get[Session](ctx, s.client, job{method: "PUT", path: []string{"sessions", id}, body: change})
}

// Delete erases a session.
func (s *Sessions) Delete(ctx context.Context, id string) (*Ended, error) {
	return get[Ended](ctx, s.client, job{method: "DELETE", path: []string{"sessions", id}})
}

// Fork begins a session with the same history, up to a turn where change names one.
func (s *Sessions) Fork(ctx context.Context, id string, change Fields) (*Session, error) {
	if change == nil {
		change = Fields{}
	}
	path := []string{"sessions", id, "fork"}
	return get[Session](ctx, s.client, job{method: "POST", path: path, body: change, how: makes})
}

// A Whose says whose something is that is not the caller's own; see OfAccount.
type Whose func(url.Values)

// OfAccount names another account. Operators may ask about those.
func OfAccount(id string) Whose {
	return func(asked url.Values) { set(asked, "account", id) }
}

func of(whose []Whose) url.Values {
	asked := url.Values{}
	for _, one := range whose {
		one(asked)
	}
	return asked
}

// Keys are the keys of an account.
type Keys struct{ client *Client }

// KeyParams describe a new key; what is empty is the server's default.
type KeyParams struct {
	Account           string   `json:"account,omitempty"`
	Name              string   `json:"name,omitempty"`
	Scopes            []string `json:"scopes,omitempty"`
	Expires           int64    `json:"expires,omitempty"` // epoch seconds
	RequestsPerMinute int      `json:"requests_per_minute,omitempty"`
	TokensPerMinute   int      `json:"tokens_per_minute,omitempty"`
}

// Create makes a key. Its secret is in this answer, and nowhere else.
func (k *Keys) Create(ctx context.Context, params *KeyParams) (*Key, error) {
	if params == nil {
		params = &KeyParams{}
	}
	return get[Key](ctx, k.client, job{method: "POST", path: []string{"keys"}, body: params, how: makes})
}

// List goes through keys, page by page.
func (k *Keys) List(query *ListQuery) *List[Key, *Key] {
	return &List[Key, *Key]{client: k.client, path: "keys", query: query.values()}
}

// Get returns one key.
func (k *Keys) Get(ctx context.Context, id string, whose ...Whose) (*Key, error) {
	return get[Key](ctx, k.client, job{method: "GET", path: []string{"keys", id}, query: of(whose)})
}

// Update changes what is named; a nil takes a limit away.
func (k *Keys) Update(ctx context.Context, id string, change Fields, whose ...Whose) (*Key, error) {
	asked := job{method: "PUT", path: []string{"keys", id}, query: of(whose), body: change}
	return get[Key](ctx, k.client, asked)
}

// Rotate makes a key that takes over; the old one ends at once, or after change["overlap"] seconds.
func (k *Keys) Rotate(ctx context.Context, id string, change Fields, whose ...Whose) (*Key, error) {
	if change == nil {
		change = Fields{}
	}
	path := []string{"keys", id, "rotate"}
	asked := job{method: "POST", path: path, query: of(whose), body: change, how: makes}
	return get[Key](ctx, k.client, asked)
}

// Revoke ends a key now.
func (k *Keys) Revoke(ctx context.Context, id string, whose ...Whose) (*Ended, error) {
	return get[Ended](ctx, k.client, job{method: "DELETE", path: []string{"keys", id}, query: of(whose)})
}

// Accounts are those whom keys belong to. Operators may ask about them.
type Accounts struct{ client *Client }

// AccountParams describe a new account; what is empty is the server's default.
type AccountParams struct {
	ID       string `json:"id,omitempty"`
	Name     string `json:"name,omitempty"`
	Plan     string `json:"plan,omitempty"`
	Region   string `json:"region,omitempty"`
	Operator bool   `json:"operator,omitempty"`
}

// Create makes an account.
func (a *Accounts) Create(ctx context.Context, params *AccountParams) (*Account, error) {
	if params == nil {
		params = &AccountParams{}
	}
	asked := job{method: "POST", path: []string{"accounts"}, body: params, how: makes}
	return get[Account](ctx, a.client, asked)
}

// List goes through accounts, page by page.
func (a *Accounts) List(query *ListQuery) *List[Account, *Account] {
	return &List[Account, *Account]{client: a.client, path: "accounts", query: query.values()}
}

// Get returns one account.
func (a *Accounts) Get(ctx context.Context, id string) (*Account, error) {
	return get[Account](ctx, a.client, job{method: "GET", path: []string{"accounts", id}})
}

// Update changes what is named.
func (a *Accounts) Update(ctx context.Context, id string, change Fields) (*Account, error) {
	return get[Account](ctx, a.client, job{method: "PUT", path: []string{"accounts", id}, body: change})
}

// Delete ends an account, and its keys with it.
func (a *Accounts) Delete(ctx context.Context, id string) (*Ended, error) {
	return get[Ended](ctx, a.client, job{method: "DELETE", path: []string{"accounts", id}})
}

// Plans say what an account may do in a minute.
type Plans struct{ client *Client }

// List goes through plans, page by page.
func (p *Plans) List(query *ListQuery) *List[Plan, *Plan] {
	return &List[Plan, *Plan]{client: p.client, path: "plans", query: query.values()}
}

// Get returns one plan.
func (p *Plans) Get(ctx context.Context, id string) (*Plan, error) {
	return get[Plan](ctx, p.client, job{method: "GET", path: []string{"plans", id}})
}

// Update makes or changes a plan; a nil is a limit that there is not.
func (p *Plans) Update(ctx context.Context, id string, change Fields) (*Plan, error) {
	return get[Plan](ctx, p.client, job{method: "PUT", path: []string{"plans", id}, body: change})
}

// Delete ends a plan that no account has.
func (p *Plans) Delete(ctx context.Context, id string) (*Ended, error) {
	return get[Ended](ctx, p.client, job{method: "DELETE", path: []string{"plans", id}})
}

// Budgets say what an account or a key may spend.
type Budgets struct{ client *Client }

// BudgetParams describe a new budget; money is USD as decimal text.
type BudgetParams struct {
	Account string `json:"account,omitempty"`
	Key     string `json:"key,omitempty"`
	Period  string `json:"period,omitempty"`
	Limit   string `json:"limit"`
}

// Create makes a budget.
func (b *Budgets) Create(ctx context.Context, params *BudgetParams) (*Budget, error) {
	if params == nil {
		params = &BudgetParams{}
	}
	asked := job{method: "POST", path: []string{"budgets"}, body: params, how: makes}
	return get[Budget](ctx, b.client, asked)
}

// List goes through budgets, page by page.
func (b *Budgets) List(query *ListQuery) *List[Budget, *Budget] {
	return &List[Budget, *Budget]{client: b.client, path: "budgets", query: query.values()}
}

// Get returns one budget, with what of it is spent.
func (b *Budgets) Get(ctx context.Context, id string, whose ...Whose) (*Budget, error) {
	return get[Budget](ctx, b.client, job{method: "GET", path: []string{"budgets", id}, query: of(whose)})
}

// Update changes a budget's limit.
func (b *Budgets) Update(ctx context.Context, id string, change Fields, whose ...Whose) (*Budget, error) {
	asked := job{method: "PUT", path: []string{"budgets", id}, query: of(whose), body: change}
	return get[Budget](ctx, b.client, asked)
}

// Delete ends a budget.
func (b *Budgets) Delete(ctx context.Context, id string, whose ...Whose) (*Ended, error) {
	return get[Ended](ctx, b.client, job{method: "DELETE", path: []string{"budgets", id}, query: of(whose)})
}

func set(values url.Values, name, value string) {
	if value != "" {
		values.Set(name, value)
	}
}

// pointer is an answer by its pointer.
type pointer[T any] interface {
	*T
	answer
}

func get[T any, P pointer[T]](ctx context.Context, c *Client, j job) (*T, error) {
	made := P(new(T))
	if err := c.do(ctx, j, made); err != nil {
		return nil, err
	}
	return (*T)(made), nil
}

// page is a page of a list.
type page[T any, P pointer[T]] struct {
	kept
	Data    []T    `json:"data"`
	HasMore bool   `json:"has_more"`
	LastID  string `json:"last_id"`
}

func (p *page[T, P]) lacks() string {
	if p.Data == nil {
		return "data"
	}
	for n := range p.Data {
		if lacks := P(&p.Data[n]).lacks(); lacks != "" {
			return lacks
		}
	}
	return ""
}

// A List goes through the entries of a list, page by page:
//
//	for list := client.Sessions.List(nil); list.Next(ctx); {
//		fmt.Println(list.Value().ID)
//	}
//
// Afterwards Err says whether it came to its end.
type List[T any, P pointer[T]] struct {
	client *Client
	path   string
	query  url.Values
	page   page[T, P]
	at     int
	begun  bool
	last   bool
	err    error
}

// Next goes to the next entry; false at the end, or where asking failed.
func (l *List[T, P]) Next(ctx context.Context) bool {
	if l.begun {
		l.at++
	}
	if l.begun && l.at < len(l.page.Data) {
		return true
	}
	if l.last || l.err != nil {
		return false
	}
	l.begun, l.at = true, 0
	l.page = page[T, P]{}
	asked := job{method: "GET", path: []string{l.path}, query: l.query}
	if l.err = l.client.do(ctx, asked, &l.page); l.err != nil {
		return false
	}
	// A server that gives an empty page, or none further on, would be asked for ever.
	behind := l.query.Get("after")
	l.last = !l.page.HasMore || len(l.page.Data) == 0 || l.page.LastID == "" || l.page.LastID == behind
	l.query.Set("after", l.page.LastID)
	return len(l.page.Data) > 0
}

// Value returns the entry that Next went to.
func (l *List[T, P]) Value() *T { return &l.page.Data[l.at] }

// Err returns why the list did not come to its end, or nil.
func (l *List[T, P]) Err() error { return l.err }
