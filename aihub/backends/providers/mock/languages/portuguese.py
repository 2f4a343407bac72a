"""Portuguese."""

from .language import Language, counts, kinds, lines, phrases, words

PORTUGUESE = Language(
    code="pt",
    stops=words(
        """
        eu meu minha meus minhas tu teu tua você vocês ele ela eles elas seu sua seus suas nós nosso
        nossa isto isso este esta esse essa aquele é são ser era foi está estão estou há tem têm ter
        não sim mas se já também só muito mais menos sobre entre sem até desde quando onde um uma
        uns umas ao aos à às ou como que lhe me te escreva escreve diga conta conte explique explica
        faça faz crie gere mostre quero preciso pode poderia gostaria acerca dê dá diferença
        seguinte texto funciona funcionam significa saber curto curta breve inglês português
        espanhol francês alemão japonês chinês compare recomende analise defina continue corrija
        pergunta resposta bom boa bons boas mau má ruim melhor pior novo nova hoje
        """
    ),
    links=words("de da do das dos o a os as e em no na nos nas para com por pelo pela um uma"),
    articles=words("o a os as um uma uns umas"),
    marks=("ã", "õ", "lh", "nh", "ção"),
    traits=("ss", "ç", "ê", "ô", "â", "à", " o ", " os ", " em ", " e "),
    polite=words("por favor você pode poderia me diga dê ajude"),
    asks=words("que quê qual quais como quem quando onde porque porquê explique explica"),
    doubts=words("é são está estão há pode podem posso devo tem têm existe existem"),
    kinds=kinds(
        answer="qual quais quê porquê",
        story="história conto estória fábula lenda",
        poem="poema poesia haicai soneto verso versos canção",
        essay="ensaio artigo redação relatório detalhes detalhadamente",
        list="lista liste ideias dicas maneiras formas razões motivos exemplos passos",
        summary="resuma resumo resumir resume",
        rewriting="traduza traduz traduzir tradução reescreva reformule corrija",
        code="função código script programa consulta algoritmo",
    ),
    long=words("longo longa detalhado detalhada"),
    numbers=counts("dois três quatro cinco seis sete oito nove dez onze doze"),
    greetings=phrases("olá\nola\noi\nbom dia\nboa tarde\nboa noite\nsaudações"),
    small_talk=words("tudo bem bom como vai está estás você a todos e contigo com"),
    thanks=phrases("obrigado\nobrigada\nmuito obrigado\nmuito obrigada\nvaleu"),
    greets=lines(
        """
        Olá! Como posso ajudar você hoje?
        Olá! Sobre o que você gostaria de conversar?
        Que bom ter você aqui! O que posso fazer por você?
        """
    ),
    named=lines(
        """
        Olá! Estou aqui para ajudar você com {name}. Como posso ajudar hoje?
        Olá! Vamos falar sobre {name}. O que você gostaria de saber?
        Boas-vindas! O que você quer fazer com {name}?
        """
    ),
    found="Isto é o que encontrei: {result}",
    welcomes=lines(
        """
        De nada! Avise se precisar de mais alguma coisa.
        Com prazer. Posso ajudar em mais alguma coisa?
        Que bom que pude ajudar. Pergunte sempre que quiser.
        """
    ),
    unsure=lines(
        """
        Sim, na maioria dos casos.
        Depende dos detalhes, mas normalmente sim.
        Nem sempre, e vale a pena ver por quê.
        Em geral não, embora haja exceções.
        """
    ),
    openers=lines(
        """
        Uma resposta breve sobre “{topic}”: vamos começar pelo essencial.
        Sobre “{topic}”, alguns pontos importam mais que os outros.
        Há muito o que dizer sobre este tema: {topic}.
        Em resumo, é isto que convém saber sobre “{topic}”.
        """
    ),
    body=lines(
        """
        A primeira pergunta é onde tudo começa.
        Muita gente chega ao tema por outro caminho: {other}.
        Uma boa maneira de entender é comparar com “{other}”.
        Na prática, um ponto é decisivo: {other}.
        Ajuda avançar passo a passo.
        Uma pequena mudança aqui pode ter um grande efeito: {other}.
        O mais importante é que a explicação continue simples.
        Quando este ponto fica claro, o resto se entende melhor: {other}.
        A experiência mostra que um pouco de paciência vale a pena.
        Em caso de dúvida, comece por aqui: {other}.
        Bons exemplos tornam “{topic}” muito mais fácil de entender.
        Vale a pena olhar a questão de mais de um lado.
        Muito do que se diz é simples demais, mas não é falso.
        Pergunte a três pessoas e ouvirá três respostas.
        """
    ),
    closers=lines(
        """
        Isso é o essencial.
        Com isso você já tem um bom ponto de partida sobre “{topic}”.
        Pergunte de novo se quiser se aprofundar neste ponto: {other}.
        """
    ),
    tales=lines(
        """
        Era uma vez uma aldeia à beira-mar onde todos só falavam disto: {topic}.
        Era uma vez uma menina que queria saber tudo sobre “{topic}”.
        Num país distante, um menino achou um livro que só falava disto: {topic}.
        Há muito tempo, um viajante saiu de casa com uma só ideia: {topic}.
        """
    ),
    plots=lines(
        """
        Toda noite os mais velhos contavam o que lembravam.
        Ninguém sabia como tinha começado, e ninguém se atrevia a perguntar.
        Certa manhã chegou um estranho com uma carta que só dizia: “{other}”.
        “Venha comigo”, disse o estranho, “e eu mostrarei o que você procura.”
        Caminharam três dias, por bosques e colinas.
        À noite sentavam-se junto ao fogo e só falavam disto: {topic}.
        Então começou a chover, e o caminho desapareceu.
        Uma pequena luz ao longe lhes deu coragem.
        Atrás da última colina encontraram o que ninguém esperava: {other}.
        Era menor do que nas histórias, e muito mais bonito.
        Ficaram até os dias encurtarem.
        Quando voltaram, a aldeia inteira estava à espera.
        """
    ),
    ends=lines(
        """
        E viveram felizes para sempre.
        Desde então, lá ainda se conta esta história: {topic}.
        """
    ),
    verses=lines(
        """
        Na luz da manhã penso em ti: {topic},
        e o mundo fica a escutar;
        um vento leve, uma voz distante,
        um pássaro sobre o mar.
        Passam as horas, gira a sombra,
        o rio encontra o mar;
        de tudo o que eu quis aprender
        só isto quis ficar.
        """
    ),
    lists=("Aqui está uma lista sobre “{topic}”:", "Alguns pontos sobre “{topic}”:"),
    items=lines(
        """
        Começar pelo básico: {topic}.
        Olhar de perto este ponto: {other}.
        Comparar com algo conhecido.
        Anotar o que surpreende.
        Perguntar a alguém com experiência.
        Tentar primeiro um exemplo pequeno.
        Manter o que funciona e deixar o resto.
        Dedicar tempo a este ponto: {other}.
        Conferir o resultado.
        Partilhar o que se aprendeu.
        """
    ),
    summaries=("Em resumo: {text}", "O principal: {text}"),
    rewritings=("Dito de outro modo: {text}", "Em outras palavras: {text}"),
    code_intros=("Esta é uma forma de fazer:", "Uma versão curta:"),
    nothing="sua pergunta",
    muse="o mar",
    others=("os detalhes", "o contexto", "um bom exemplo"),
)
