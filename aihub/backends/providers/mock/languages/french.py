"""French."""

from .language import Language, counts, kinds, lines, phrases, words

FRENCH = Language(
    code="fr",
    stops=words(
        """
        je j'ai moi mon ma mes tu toi ton ta tes il elle on nous vous votre vos ils elles leur leurs
        ce cet cette ces ça cela c'est est-ce est es suis sont être était a as ont avoir y ne pas
        non oui mais si sur dans entre sans jusque quand où aussi seulement très plus moins un une
        au aux qui dont écris écrivez dis dites donne donnez raconte racontez explique expliquez
        fais faites crée créez génère montre voudrais veux besoin peux-tu pouvez-vous pourrais-tu
        pourriez-vous propos n'est qu'est qu'est-ce parle parler différence suivant texte fonctionne
        fonctionnent signifie moi-même se court courte bref brève raconte-moi racontez-moi écris-moi
        écrivez-moi explique-moi expliquez-moi parle-moi parlez-moi dis-moi dites-moi montre-moi
        montrez-moi fais-moi anglais français espagnol allemand portugais japonais chinois compare
        comparez recommande analyse analysez définis continue question réponse bon bonne bons bonnes
        mauvais mauvaise meilleur nouveau nouvelle aujourd'hui
        """
    ),
    links=words("de du des la le les et en pour avec à un une"),
    articles=words("le la les un une des"),
    marks=("ç", "è", "ê", "œ", "ù", "û", "ë", "î", " l'", " d'", "qu'", " j'"),
    polite=words(
        """
        s'il te plaît vous peux-tu pouvez-vous pourrais-tu pourriez-vous dis-moi moi donne donne-moi
        donnez-moi
        """
    ),
    asks=words(
        "que quoi quel quelle quels quelles pourquoi comment qui quand où combien qu'est-ce"
    ),
    doubts=words(
        "est-ce est-il est-elle sont-ils sont-elles peut-on faut-il dois-je puis-je as-tu"
    ),
    kinds=kinds(
        answer="pourquoi comment quel quelle quels quelles explique expliquez",
        story="histoire conte récit fable légende",
        poem="poème poésie haïku sonnet vers chanson",
        essay="essai article dissertation rapport détail détails",
        list="liste énumère idées conseils façons manières raisons exemples étapes",
        summary="résume résumez résumé résumer",
        rewriting="traduis traduisez traduire traduction réécris reformule corrige",
        code="fonction code script programme requête algorithme",
    ),
    long=words("long longue détaillé détaillée"),
    numbers=counts("deux trois quatre cinq six sept huit neuf dix onze douze"),
    greetings=phrases("bonjour\nbonsoir\nsalut\ncoucou\nbonne journée"),
    small_talk=words("ça va comment allez vas tu vous à tous toutes et monsieur madame bien"),
    thanks=phrases("merci\nmerci beaucoup\nje te remercie\nje vous remercie"),
    greets=lines(
        """
        Bonjour ! Comment puis-je vous aider aujourd'hui ?
        Bonjour ! De quoi aimeriez-vous parler ?
        Ravi de vous lire ! Que puis-je faire pour vous ?
        """
    ),
    named=lines(
        """
        Bonjour ! Je suis là pour vous aider avec {name}. Que puis-je faire pour vous aujourd'hui ?
        Bonjour ! Parlons de ceci : {name}. Qu'aimeriez-vous savoir ?
        Bienvenue ! Que voulez-vous faire avec {name} ?
        """
    ),
    found="Voici ce que j'ai trouvé : {result}",
    welcomes=lines(
        """
        Je vous en prie ! N'hésitez pas si vous avez besoin d'autre chose.
        Avec plaisir. Puis-je vous aider pour autre chose ?
        Heureux d'avoir pu aider. Revenez quand vous voulez.
        """
    ),
    unsure=lines(
        """
        Oui, dans la plupart des cas.
        Cela dépend des détails, mais le plus souvent oui.
        Pas toujours, et il vaut la peine de voir pourquoi.
        En général non, même s'il y a des exceptions.
        """
    ),
    openers=lines(
        """
        Une réponse brève sur « {topic} » : commençons par l'essentiel.
        Sur « {topic} », quelques points comptent plus que les autres.
        Il y a beaucoup à dire sur ce sujet : {topic}.
        En bref, voici ce qu'il faut savoir sur « {topic} ».
        """
    ),
    body=lines(
        """
        La première question est de savoir où tout commence.
        Beaucoup de gens y arrivent par un autre chemin : {other}.
        Une bonne façon de comprendre est de comparer avec « {other} ».
        En pratique, un point est décisif : {other}.
        Il est utile d'avancer pas à pas.
        Un petit changement ici peut avoir un grand effet : {other}.
        Le plus important est que l'explication reste simple.
        Une fois ce point clair, le reste se comprend mieux : {other}.
        L'expérience montre qu'un peu de patience en vaut la peine.
        En cas de doute, commencez par ceci : {other}.
        De bons exemples rendent « {topic} » bien plus facile à comprendre.
        Il vaut mieux regarder la question de plusieurs côtés.
        Ce que l'on en dit est souvent trop simple, mais pas faux.
        Demandez à trois personnes, et vous aurez trois réponses.
        """
    ),
    closers=lines(
        """
        Voilà l'essentiel.
        Vous avez ainsi un bon point de départ sur « {topic} ».
        N'hésitez pas à demander plus de précisions sur ce point : {other}.
        """
    ),
    tales=lines(
        """
        Il était une fois un village au bord de la mer où l'on ne parlait que de cela : {topic}.
        Il était une fois une petite fille qui voulait tout savoir sur « {topic} ».
        Dans un pays lointain, un garçon trouva un livre qui ne parlait que de ceci : {topic}.
        Il y a bien longtemps, un voyageur partit avec une seule idée en tête : {topic}.
        """
    ),
    plots=lines(
        """
        Chaque soir, les anciens racontaient leurs souvenirs.
        Personne ne savait comment tout avait commencé, et personne n'osait le demander.
        Un matin, un inconnu apporta une lettre qui ne disait que ceci : « {other} ».
        « Venez avec moi, dit l'inconnu, et je vous montrerai ce que vous cherchez. »
        Ils marchèrent trois jours, par les bois et les collines.
        La nuit, assis près du feu, ils ne parlaient que de cela : {topic}.
        Puis il se mit à pleuvoir, et le chemin disparut.
        Une petite lumière au loin leur rendit courage.
        Derrière la dernière colline, ils trouvèrent ce que nul n'attendait : {other}.
        C'était plus petit que dans les contes, et bien plus beau.
        Ils restèrent jusqu'à ce que les jours raccourcissent.
        À leur retour, tout le village les attendait.
        """
    ),
    ends=lines(
        """
        Et ils vécurent heureux très longtemps.
        Depuis ce jour, on raconte encore cette histoire là-bas : {topic}.
        """
    ),
    verses=lines(
        """
        Dans le matin je pense à toi : {topic},
        et le monde se tait ;
        un souffle passe, à peine un mot,
        un oiseau qui passait.
        Les heures vont, l'ombre s'en va,
        le fleuve trouve la mer ;
        de tout ce que j'ai voulu savoir
        ceci me reste cher.
        """
    ),
    lists=("Voici une liste sur « {topic} » :", "Quelques points sur « {topic} » :"),
    items=lines(
        """
        Commencer par les bases : {topic}.
        Regarder ce point de près : {other}.
        Comparer avec quelque chose de connu.
        Noter ce qui surprend.
        Demander à quelqu'un d'expérience.
        Essayer d'abord un petit exemple.
        Garder ce qui marche et laisser le reste.
        Prendre son temps sur ce point : {other}.
        Vérifier le résultat.
        Partager ce que l'on a appris.
        """
    ),
    summaries=("En résumé : {text}", "L'essentiel : {text}"),
    rewritings=("Autrement dit : {text}", "En d'autres termes : {text}"),
    code_intros=("Voici une façon de faire :", "Une version courte :"),
    nothing="votre question",
    muse="la mer",
    others=("les détails", "le contexte", "un bon exemple"),
)
