package aihub

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"mime"
	"sort"
)

// CreateChatCompletion answers a conversation.
func (c *Client) CreateChatCompletion(request *ChatCompletionRequest) (*ChatCompletion, error) {
	return c.CreateChatCompletionContext(context.Background(), request)
}

// CreateChatCompletionContext answers a conversation, until ctx is done. It is asked again under one
// idempotency key, so that it is billed once.
func (c *Client) CreateChatCompletionContext(
	ctx context.Context, request *ChatCompletionRequest,
) (*ChatCompletion, error) {
	body, err := request.body(false)
	if err != nil {
		return nil, err
	}
	return get[ChatCompletion](ctx, c, chatJob(request, body, false))
}

func chatJob(request *ChatCompletionRequest, body map[string]any, stream bool) job {
	return job{
		method: "POST",
		path:   []string{"chat", "completions"},
		body:   body,
		how:    named,
		name:   request.IdempotencyKey,
		stream: stream,
	}
}

// CreateChatCompletionStream answers a conversation as a stream. Close it when you are done with it;
// ctx ends it too.
func (c *Client) CreateChatCompletionStream(
	ctx context.Context, request *ChatCompletionRequest,
) (*ChatCompletionStream, error) {
	body, err := request.body(true)
	if err != nil {
		return nil, err
	}
	stream := &ChatCompletionStream{ctx: ctx}
	j := chatJob(request, body, true)
	err = c.repeat(ctx, &j, func(a *attempt) error {
		kind, _, _ := mime.ParseMediaType(a.headers.Get("Content-Type"))
		if a.answer.StatusCode != 200 || kind != "text/event-stream" {
			body, err := a.readAll()
			if err != nil {
				return err
			}
			return a.malformed(body, "it is no stream of events")
		}
		stream.attempt = a
		return nil
	})
	if err != nil {
		return nil, err
	}
	return stream, nil
}

// A ChatCompletionStream gives the pieces of an answer as they come. It is for one goroutine at a time.
type ChatCompletionStream struct {
	ctx     context.Context
	attempt *attempt
	events  events
	ready   [][]byte
	size    int
	folded  fold
	err     error
}

// Recv returns the next piece. Its error is io.EOF at the end of an answer that is whole; else it is
// an [IncompleteStreamError], [FailedStreamError], [MalformedResponseError] or [TimeoutError], or
// comes of a context that is done.
func (s *ChatCompletionStream) Recv() (*ChatCompletionChunk, error) {
	if s.err != nil {
		return nil, s.err
	}
	chunk, err := s.next()
	if err != nil {
		s.err = err
		s.attempt.end()
	}
	return chunk, err
}

// Close frees the connection. It may be called more than once, and at any time.
func (s *ChatCompletionStream) Close() error {
	if s.err == nil {
		s.err = errors.New("aihub: the stream is closed")
	}
	s.attempt.end()
	return nil
}

// Completion returns all pieces as one answer, once Recv has returned io.EOF.
func (s *ChatCompletionStream) Completion() (*ChatCompletion, error) {
	if s.err != io.EOF {
		return nil, misuse("the stream has not come to its end", nil)
	}
	return s.folded.whole()
}

func (s *ChatCompletionStream) next() (*ChatCompletionChunk, error) {
	var buffer [16 << 10]byte
	for len(s.ready) == 0 {
		n, err := s.attempt.Read(buffer[:])
		s.size += n
		s.ready = s.events.feed(buffer[:n])
		if s.size > maxAnswer || s.events.excess {
			return nil, s.attempt.malformed(nil, "its stream has more than %d bytes", maxAnswer)
		}
		if err != nil && len(s.ready) == 0 {
			return nil, s.cut(err)
		}
	}
	event := s.ready[0]
	s.ready = s.ready[1:]
	if string(event) == "[DONE]" {
		return nil, io.EOF
	}
	return s.chunk(event)
}

func (s *ChatCompletionStream) cut(err error) error {
	if s.ctx.Err() != nil {
		return s.ctx.Err()
	}
	e := s.attempt.told(nil)
	e.Message = "The stream ended without its end marker: the answer is not whole."
	if err != io.EOF {
		lost := s.attempt.lost(err)
		var late *TimeoutError
		if errors.As(lost, &late) {
			return lost
		}
		e.cause, e.Code = err, "connection_lost"
	}
	return &IncompleteStreamError{e}
}

func (s *ChatCompletionStream) chunk(event []byte) (*ChatCompletionChunk, error) {
	if said := readError(event); said.message != "" || said.kind != "" || said.code != "" {
		e := s.attempt.told(event)
		e.Message, e.Type, e.Code, e.Param = said.message, said.kind, said.code, said.param
		return nil, &FailedStreamError{e}
	}
	chunk := &ChatCompletionChunk{}
	if why := decode(event, chunk); why != "" {
		return nil, s.attempt.malformed(event, "an event of its stream is no chunk, %s", why)
	}
	s.folded.add(chunk)
	return chunk, nil
}

// fold puts chunks together again.
type fold struct {
	done    ChatCompletion
	choices map[int]*Choice
	calls   map[[2]int]int // where the call with an index is among a choice's
	probs   map[int]map[string][]json.RawMessage
}

func (f *fold) add(chunk *ChatCompletionChunk) {
	if f.choices == nil {
		f.choices, f.calls = map[int]*Choice{}, map[[2]int]int{}
		f.probs = map[int]map[string][]json.RawMessage{}
	}
	f.done.ID, f.done.Model, f.done.Created = chunk.ID, chunk.Model, chunk.Created
	if chunk.Usage != nil {
		f.done.Usage = chunk.Usage
	}
	for _, piece := range chunk.Choices {
		choice := f.choices[piece.Index]
		if choice == nil {
			choice = &Choice{Index: piece.Index, Message: ChatMessage{Role: "assistant"}}
			f.choices[piece.Index] = choice
		}
		if piece.FinishReason != "" {
			choice.FinishReason = piece.FinishReason
		}
		choice.Message.Content += piece.Delta.Content
		choice.Message.Refusal += piece.Delta.Refusal
		choice.Message.ReasoningContent += piece.Delta.ReasoningContent
		for _, call := range piece.Delta.ToolCalls {
			f.addCall(choice, call)
		}
		f.addProbs(piece)
	}
}

func (f *fold) addCall(choice *Choice, piece ToolCall) {
	index := 0
	if piece.Index != nil {
		index = *piece.Index
	}
	calls := &choice.Message.ToolCalls
	at, known := f.calls[[2]int{choice.Index, index}]
	if !known {
		at = len(*calls)
		f.calls[[2]int{choice.Index, index}] = at
		*calls = append(*calls, ToolCall{})
	}
	call := &(*calls)[at]
	if piece.ID != "" {
		call.ID = piece.ID
	}
	if piece.Type != "" {
		call.Type = piece.Type
	}
	if piece.Function != nil {
		if call.Function == nil {
			call.Function = &FunctionCall{}
		}
		if piece.Function.Name != "" {
			call.Function.Name = piece.Function.Name
		}
		call.Function.Arguments += piece.Function.Arguments
	}
	if piece.Custom != nil {
		if call.Custom == nil {
			call.Custom = &CustomCall{}
		}
		if piece.Custom.Name != "" {
			call.Custom.Name = piece.Custom.Name
		}
		call.Custom.Input += piece.Custom.Input
	}
}

func (f *fold) addProbs(piece ChunkChoice) {
	var lists map[string][]json.RawMessage
	if len(piece.Logprobs) == 0 || json.Unmarshal(piece.Logprobs, &lists) != nil || lists == nil {
		return
	}
	if f.probs[piece.Index] == nil {
		f.probs[piece.Index] = map[string][]json.RawMessage{}
	}
	for name, entries := range lists {
		f.probs[piece.Index][name] = append(f.probs[piece.Index][name], entries...)
	}
}

func (f *fold) whole() (*ChatCompletion, error) {
	done := f.done
	done.Object, done.Choices = "chat.completion", []Choice{}
	for index, choice := range f.choices {
		one := *choice
		if f.probs[index] != nil {
			written, err := json.Marshal(f.probs[index])
			if err != nil {
				return nil, err
			}
			one.Logprobs = written
		}
		done.Choices = append(done.Choices, one)
	}
	sort.Slice(done.Choices, func(a, b int) bool {
		return done.Choices[a].Index < done.Choices[b].Index
	})
	written, err := json.Marshal(&done)
	done.keep(written)
	return &done, err
}
