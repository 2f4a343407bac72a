"""English."""

from .language import Language, counts, kinds, lines, phrases, words

ENGLISH = Language(
    code="en",
    stops=words(
        """
        i i'm me my we us our you're your he she it its they them their this that these those be am
        been being no not but if so as at by from into over with about than then there here when
        while up out just some any all each more most much many very also only own same such too
        tell give show write make create generate name list describe explain summarize say talk know
        like help want need let get find think use using please mean means work works think follow
        following one between difference short shorter brief paragraph beside live lives made good
        bad better best safe true important healthy dangerous possible easy hard worth blue english
        spanish french german portuguese japanese chinese wrote compare convert calculate classify
        identify analyze analyse discuss outline recommend extract count continue fix check solve
        add read learn learns build built invented become happen happens happened feeling today
        question answer word sentence image old new
        """
    ),
    links=words("of the and in for to a an on or with"),
    articles=words("the a an"),
    polite=words("please can could would will you kindly tell me us give name suggest ok well now"),
    asks=words("what what's why how how's who who's when where which explain describe define"),
    doubts=words(
        """
        is are was were do does did has have had can could should would will may might must
        isn't aren't don't doesn't
        """
    ),
    kinds=kinds(
        story="story tale stories fairytale fable novel",
        poem="poem poems haiku sonnet verse verses lyrics song limerick",
        essay="essay article report detail details detailed paragraphs",
        list="list lists ideas tips ways reasons examples steps facts",
        summary="summarize summarise summary summarized tldr shorten",
        rewriting="translate translation rewrite rephrase paraphrase proofread correct",
        code="function code script program snippet regex sql query algorithm",
    ),
    long=words("long longer detailed"),
    numbers=counts("two three four five six seven eight nine ten eleven twelve"),
    greetings=phrases(
        """
        hello
        hi
        hey
        greetings
        good morning
        good afternoon
        good evening
        good day
        """
    ),
    small_talk=words("there everyone all again are how you doing today is it going friend and to"),
    thanks=phrases("thanks\nthank you\nthx\nmany thanks\ncheers"),
    greets=lines(
        """
        Hello! How can I assist you today?
        Hi there! What would you like to talk about?
        Good to hear from you! What can I do for you?
        """
    ),
    named=lines(
        """
        Hello! I'm here to help you with {name}. How can I assist you today?
        Hi! Let us talk about {name}. What would you like to know?
        Welcome! What would you like to do with {name}?
        """
    ),
    found="Here is what I found: {result}",
    welcomes=lines(
        """
        You're welcome! Let me know if there is anything else.
        My pleasure. Is there anything else I can help you with?
        Glad I could help. Ask again whenever you like.
        """
    ),
    unsure=lines(
        """
        Yes, in most cases.
        It depends on the details, but usually yes.
        Not always, and it is worth looking at why.
        In general no, though there are exceptions.
        """
    ),
    openers=lines(
        """
        Here is a short answer on {topic}.
        On {topic}, a few points matter most.
        There is a good deal to say about {topic}.
        In brief, this is what to know about {topic}.
        Let us look at {topic} step by step.
        """
    ),
    body=lines(
        """
        The first thing to ask about {topic} is where it all begins.
        Many people come to {topic} by way of something simpler: {other}.
        A useful way to think about {topic} is to compare it with {other}.
        In practice, much of {topic} turns on {other}.
        It helps to take {topic} one step at a time.
        A small change in {other} can have a large effect on {topic}.
        What matters most is to keep {topic} simple to explain.
        Once you see through {other}, the rest follows more easily.
        Experience shows that a little patience with {topic} pays off.
        If you are unsure, begin with {other} and see how far it takes you.
        Good examples make {topic} much easier to understand.
        There are exceptions, and most of them have to do with {other}.
        It pays to look at {topic} from more than one side.
        Much that is said about {topic} is too simple, but not wrong.
        Ask three people about {topic}, and you will hear three answers.
        """
    ),
    closers=lines(
        """
        That is the heart of the matter.
        With that you have a good start on {topic}.
        Ask again if you would like to go deeper into {other}.
        If you want, I can say more about {topic}.
        """
    ),
    tales=lines(
        """
        Once upon a time, in a town by the sea, everybody spoke of {topic}.
        Once upon a time there was a girl who wanted to know everything about {topic}.
        When the world was young, a boy found a book that told of nothing but {topic}.
        Long ago, before there were maps, a traveller set out in search of {topic}.
        """
    ),
    plots=lines(
        """
        Every evening the old people told what they remembered of {other}.
        Nobody knew how it had begun, and nobody dared to ask.
        One morning a stranger came to the door with a letter about {other}.
        "Come with me," said the stranger, "and I will show you what you are looking for."
        They walked for three days, through woods and over hills.
        At night they sat by the fire and talked about {topic}.
        Then it began to rain, and the road was gone.
        A small light in the distance gave them courage.
        Behind the last hill they found what nobody had expected: {other}.
        It was smaller than in the stories, and far more beautiful.
        They stayed until the days grew short.
        On the way home they hardly spoke, for there was so much to remember.
        When they came back, the whole town was waiting for them.
        From then on nobody laughed about {topic} any more.
        """
    ),
    ends=lines(
        """
        And if you go there today, you can still hear people tell of {topic}.
        And they lived happily ever after.
        That is how the story of {topic} came to be told.
        """
    ),
    verses=lines(
        """
        In morning light I think of {topic},
        and all the world is still;
        a quiet wind goes through the grass,
        a bird upon the hill.
        The hours go by, the shadows turn,
        the river finds the sea;
        of all the things I meant to learn
        this one remained with me.
        """
    ),
    lists=("Here is a list on {topic}:", "Some points on {topic}:", "A few ideas for {topic}:"),
    items=lines(
        """
        Start with the basics of {topic}.
        Look closely at {other}.
        Compare it with something you know well.
        Write down what surprises you about {topic}.
        Ask somebody who has experience with {other}.
        Try a small example first.
        Keep what works and drop the rest.
        Take your time with {other}.
        Check the result against {topic}.
        Share what you have learned.
        """
    ),
    summaries=("In short: {text}", "The main point: {text}", "To sum up: {text}"),
    rewritings=("Here it is in other words: {text}", "Put differently: {text}"),
    code_intros=("Here is one way to do it:", "This is a short version:", "You could write it so:"),
    nothing="your question",
    muse="the sea",
    others=("the details", "the context", "a good example"),
)
