"""Spanish."""

from .language import Language, counts, kinds, lines, phrases, words

SPANISH = Language(
    code="es",
    stops=words(
        """
        yo mi mis tú tu tus su sus nos nosotros él ella ellos ellas esto esta este estas estos eso
        esa ese es soy eres son ser era fue está están estoy estás hay ha he muy más menos pero si
        no sí ya lo le les se te sobre entre sin hasta desde cuando donde también solo un una unos
        unas al e u o como que escribe escríbeme dime dame cuenta cuéntame explica explícame haz
        hazme crea genera muestra quiero necesito puedes podrías acerca trata sea hacer diferencia
        siguiente texto quisiera saber funciona funcionan significa corto corta breve inglés español
        francés alemán portugués japonés chino compara recomienda extrae continúa analiza define
        corrige pregunta respuesta bueno buena buenos malo mala mejor peor nuevo nueva hoy
        """
    ),
    links=words("de del la las el los y en para con a por un una unos unas"),
    articles=words("el la los las un una unos unas"),
    marks=("ñ", "¿", "¡", "ción"),
    traits=("ll", "ue", "ie", " el ", " los ", " en ", " y "),
    polite=words("por favor puedes podrías puede podría me dime dame oye bueno ayúdame a"),
    asks=words("qué que cómo como cuál cual cuáles quién quiénes cuándo dónde explica explícame"),
    doubts=words("es son está están hay puede pueden puedo debo debería tiene tienen"),
    kinds=kinds(
        answer="qué cómo cuál cuáles quién cuándo dónde",
        story="cuento historia relato fábula leyenda",
        poem="poema poesía haiku soneto verso versos canción",
        essay="ensayo artículo redacción informe detalle detalladamente",
        list="lista enumera ideas consejos maneras formas razones ejemplos pasos",
        summary="resume resumen resumir resúmeme",
        rewriting="traduce traducir traducción reescribe reformula corrige",
        code="función código script programa consulta algoritmo",
    ),
    long=words("largo larga detallado detallada"),
    numbers=counts("dos tres cuatro cinco seis siete ocho nueve diez once doce"),
    greetings=phrases(
        """
        hola
        buenas
        buenos días
        buenos dias
        buenas tardes
        buenas noches
        saludos
        """
    ),
    small_talk=words("qué que tal cómo como estás está están estas todo bien va a todos y amigo"),
    thanks=phrases("gracias\nmuchas gracias\nmil gracias\nte lo agradezco"),
    greets=lines(
        """
        ¡Hola! ¿En qué puedo ayudarte hoy?
        ¡Hola! ¿De qué te gustaría hablar?
        ¡Qué gusto saludarte! ¿Qué puedo hacer por ti?
        """
    ),
    named=lines(
        """
        ¡Hola! Estoy aquí para ayudarte con {name}. ¿En qué puedo ayudarte hoy?
        ¡Hola! Hablemos de {name}. ¿Qué te gustaría saber?
        ¡Bienvenido! ¿Qué quieres hacer con {name}?
        """
    ),
    found="Esto es lo que encontré: {result}",
    welcomes=lines(
        """
        ¡De nada! Avísame si necesitas algo más.
        Con mucho gusto. ¿Puedo ayudarte en algo más?
        Me alegra haber ayudado. Pregunta cuando quieras.
        """
    ),
    unsure=lines(
        """
        Sí, en la mayoría de los casos.
        Depende de los detalles, pero normalmente sí.
        No siempre, y vale la pena ver por qué.
        En general no, aunque hay excepciones.
        """
    ),
    openers=lines(
        """
        Una respuesta breve sobre «{topic}»: conviene empezar por lo esencial.
        Sobre «{topic}» importan sobre todo unos pocos puntos.
        Hay mucho que decir acerca de este tema: {topic}.
        En resumen, esto es lo que conviene saber sobre «{topic}».
        """
    ),
    body=lines(
        """
        Lo primero es preguntarse dónde empieza todo.
        Mucha gente llega a este tema a través de otra cosa: {other}.
        Una buena manera de entenderlo es compararlo con «{other}».
        En la práctica, un punto resulta decisivo: {other}.
        Ayuda avanzar paso a paso.
        Un pequeño cambio aquí puede tener un gran efecto: {other}.
        Lo más importante es que la explicación siga siendo sencilla.
        Cuando este punto está claro, lo demás se entiende mejor: {other}.
        La experiencia muestra que un poco de paciencia merece la pena.
        En caso de duda, conviene empezar por aquí: {other}.
        Los buenos ejemplos hacen que «{topic}» se entienda mucho mejor.
        Conviene mirarlo desde más de un lado.
        Mucho de lo que se dice es demasiado simple, pero no es falso.
        Basta preguntar a tres personas para oír tres respuestas.
        """
    ),
    closers=lines(
        """
        Eso es lo esencial.
        Con esto ya tienes un buen punto de partida sobre «{topic}».
        Pregunta de nuevo si quieres profundizar en este punto: {other}.
        """
    ),
    tales=lines(
        """
        Érase una vez un pueblo junto al mar donde todos hablaban de lo mismo: {topic}.
        Érase una vez una niña que quería saberlo todo sobre «{topic}».
        En un país muy lejano, un niño encontró un libro que solo hablaba de esto: {topic}.
        Hace mucho tiempo, un viajero salió de casa con una sola idea: {topic}.
        """
    ),
    plots=lines(
        """
        Cada noche los ancianos contaban lo que recordaban.
        Nadie sabía cómo había empezado, y nadie se atrevía a preguntar.
        Una mañana llegó un forastero con una carta que solo decía: «{other}».
        —Ven conmigo —dijo el forastero—, y te enseñaré lo que buscas.
        Caminaron tres días, entre bosques y colinas.
        Por la noche se sentaban junto al fuego y hablaban de aquello: {topic}.
        Entonces empezó a llover, y el camino desapareció.
        Una pequeña luz a lo lejos les dio ánimo.
        Detrás de la última colina encontraron lo que nadie esperaba: {other}.
        Era más pequeño que en los cuentos, y mucho más hermoso.
        Se quedaron hasta que los días se hicieron cortos.
        Cuando volvieron, todo el pueblo los estaba esperando.
        """
    ),
    ends=lines(
        """
        Y colorín colorado, este cuento se ha acabado.
        Desde entonces, allí se sigue contando esta historia: {topic}.
        """
    ),
    verses=lines(
        """
        En la luz de la mañana pienso en ti: {topic},
        y el mundo entero calla;
        una brisa, un rumor lejano,
        un pájaro en la playa.
        Pasan las horas, gira la sombra,
        el río busca el mar;
        de todo cuanto quise aprender
        esto se quiso quedar.
        """
    ),
    lists=("Aquí tienes una lista sobre «{topic}»:", "Algunos puntos sobre «{topic}»:"),
    items=lines(
        """
        Empezar por lo básico: {topic}.
        Mirar de cerca este punto: {other}.
        Compararlo con algo conocido.
        Anotar lo que sorprende.
        Preguntar a alguien con experiencia.
        Probar primero con un ejemplo pequeño.
        Conservar lo que funciona y dejar el resto.
        Dedicarle tiempo a este punto: {other}.
        Comprobar el resultado.
        Compartir lo aprendido.
        """
    ),
    summaries=("En resumen: {text}", "Lo principal: {text}"),
    rewritings=("Dicho de otro modo: {text}", "Con otras palabras: {text}"),
    code_intros=("Esta es una forma de hacerlo:", "Una versión breve:"),
    nothing="tu pregunta",
    muse="el mar",
    others=("los detalles", "el contexto", "un buen ejemplo"),
)
