"""German."""

from .language import Language, counts, kinds, lines, phrases, words

GERMAN = Language(
    code="de",
    stops=words(
        """
        ich mir mich mein meine du dir dich dein deine er sie es wir uns unser ihr euch ihnen ihre
        dies diese dieser dieses das ist sind bin bist war waren sein wird werden hat haben habe
        nicht kein keine ja nein aber wenn ob als auch nur noch schon sehr mehr weniger so dann hier
        da aus bei nach seit zwischen ohne bis gegen einen einem eines einer dass zu mal etwas man
        schreibe schreib sag sage gib erzähl erzähle erkläre erklär mach mache zeige zeig nenne
        erstelle kannst könntest können könnten möchte will brauche hilf helfen bitte unterschied
        folgenden folgende text funktioniert funktionieren bedeutet gibt lang heißt kurz kurze
        kurzes kurzen englisch deutsch spanisch französisch portugiesisch japanisch chinesisch
        vergleiche empfiehl analysiere definiere frage antwort gut gute gutes guter schlecht
        schlechte besser beste neu neue heute
        """
    ),
    links=words(
        """
        der die des dem den und in im für mit von vom zur zum am an ein eine einen einem auf über um
        """
    ),
    articles=words("der die das ein eine"),
    marks=("ß", "ä", "ö", "ü"),
    polite=words("bitte kannst könntest können könnten du sie mir sag mal hilf gib"),
    asks=words(
        "was warum wieso weshalb wie wer wen wem wann wo wohin woher welche welcher welches"
    ),
    doubts=words("ist sind war waren hat haben kann kannst können darf soll sollte muss gibt wird"),
    kinds=kinds(
        answer="erkläre erklär warum wieso",
        story="geschichte märchen erzählung fabel sage kurzgeschichte",
        poem="gedicht gedichte haiku sonett vers verse lied",
        essay="aufsatz artikel essay bericht ausführlich",
        list="liste nenne ideen tipps gründe beispiele schritte möglichkeiten",
        summary="zusammenfassung zusammenfassen fasse",
        rewriting="übersetze übersetzen übersetzung umformulieren formuliere korrigiere",
        code="funktion code skript programm abfrage algorithmus python-funktion",
    ),
    long=words("lange langer langes ausführliche ausführlichen"),
    numbers=counts("zwei drei vier fünf sechs sieben acht neun zehn elf zwölf"),
    greetings=phrases(
        """
        hallo
        guten tag
        guten morgen
        guten abend
        grüß gott
        grüß dich
        moin
        servus
        """
    ),
    small_talk=words("wie geht es geht's dir ihnen euch zusammen alle alles gut und ihr"),
    thanks=phrases("danke\ndanke schön\nvielen dank\nherzlichen dank\nbesten dank\ndankeschön"),
    greets=lines(
        """
        Hallo! Wie kann ich Ihnen heute helfen?
        Guten Tag! Worüber möchten Sie sprechen?
        Schön, von Ihnen zu hören! Was kann ich für Sie tun?
        """
    ),
    named=lines(
        """
        Hallo! Ich bin hier, um Ihnen mit {name} zu helfen. Was kann ich heute für Sie tun?
        Hallo! Sprechen wir über {name}. Was möchten Sie wissen?
        Willkommen! Was möchten Sie mit {name} tun?
        """
    ),
    found="Das habe ich gefunden: {result}",
    welcomes=lines(
        """
        Gern geschehen! Melden Sie sich, wenn Sie noch etwas brauchen.
        Sehr gern. Kann ich sonst noch etwas für Sie tun?
        Freut mich, dass ich helfen konnte. Fragen Sie jederzeit wieder.
        """
    ),
    unsure=lines(
        """
        Ja, in den meisten Fällen.
        Das hängt von den Einzelheiten ab, meistens aber ja.
        Nicht immer, und es lohnt sich zu sehen, warum.
        Im Allgemeinen nein, auch wenn es Ausnahmen gibt.
        """
    ),
    openers=lines(
        """
        Eine kurze Antwort zum Thema „{topic}“: Fangen wir mit dem Wichtigsten an.
        Beim Thema „{topic}“ kommt es auf wenige Punkte an.
        Zu diesem Thema gibt es viel zu sagen: {topic}.
        Kurz gesagt, das sollte man zum Thema „{topic}“ wissen.
        """
    ),
    body=lines(
        """
        Zuerst stellt sich die Frage, wo alles anfängt.
        Viele kommen über einen Umweg darauf: {other}.
        Am besten versteht man es durch einen Vergleich mit „{other}“.
        In der Praxis ist vor allem ein Punkt entscheidend: {other}.
        Es hilft, Schritt für Schritt vorzugehen.
        Eine kleine Änderung kann hier viel bewirken: {other}.
        Am wichtigsten ist, dass die Erklärung einfach bleibt.
        Ist dieser Punkt einmal klar, ergibt sich der Rest: {other}.
        Die Erfahrung zeigt, dass sich ein wenig Geduld lohnt.
        Im Zweifel beginnt man am besten hier: {other}.
        Gute Beispiele machen „{topic}“ viel leichter verständlich.
        Es lohnt sich, das von mehr als einer Seite anzusehen.
        Vieles, was man darüber hört, ist zu einfach, aber nicht falsch.
        Fragt man drei Leute, bekommt man drei Antworten.
        """
    ),
    closers=lines(
        """
        Das ist das Wesentliche.
        Damit ist ein guter Anfang gemacht, was „{topic}“ betrifft.
        Fragen Sie gern nach, wenn Sie hierzu mehr wissen möchten: {other}.
        """
    ),
    tales=lines(
        """
        Es war einmal ein Dorf am Meer, in dem alle nur von einem sprachen: {topic}.
        Es war einmal ein Mädchen, das alles wissen wollte, was mit „{topic}“ zu tun hat.
        In einem fernen Land fand ein Junge ein Buch, das nur von einem erzählte: {topic}.
        Vor langer Zeit zog ein Wanderer aus, mit nur einem Gedanken: {topic}.
        """
    ),
    plots=lines(
        """
        Jeden Abend erzählten die Alten, woran sie sich erinnerten.
        Niemand wusste, wie es begonnen hatte, und niemand wagte zu fragen.
        Eines Morgens brachte ein Fremder einen Brief, in dem nur eines stand: „{other}“.
        „Komm mit mir“, sagte der Fremde, „und ich zeige dir, was du suchst.“
        Sie gingen drei Tage lang, durch Wälder und über Hügel.
        Nachts saßen sie am Feuer und sprachen nur von einem: {topic}.
        Dann begann es zu regnen, und der Weg war verschwunden.
        Ein kleines Licht in der Ferne machte ihnen Mut.
        Hinter dem letzten Hügel fanden sie, womit niemand gerechnet hatte: {other}.
        Es war kleiner als in den Geschichten, und viel schöner.
        Sie blieben, bis die Tage kürzer wurden.
        Als sie zurückkamen, wartete das ganze Dorf auf sie.
        """
    ),
    ends=lines(
        """
        Und wenn sie nicht gestorben sind, dann leben sie noch heute.
        Seither erzählt man dort noch immer diese Geschichte: {topic}.
        """
    ),
    verses=lines(
        """
        Im Morgenlicht ein Wort nur: {topic},
        und alle Welt ist still;
        ein leiser Wind, ein ferner Klang,
        ein Vogel, der singen will.
        Die Stunden gehn, der Schatten fällt,
        der Fluss, er sucht das Meer;
        von allem auf der weiten Welt
        blieb dies und nichts sonst mehr.
        """
    ),
    lists=("Hier ist eine Liste zum Thema „{topic}“:", "Einige Punkte zum Thema „{topic}“:"),
    items=lines(
        """
        Mit den Grundlagen anfangen: {topic}.
        Diesen Punkt genau ansehen: {other}.
        Mit etwas Bekanntem vergleichen.
        Aufschreiben, was überrascht.
        Jemanden mit Erfahrung fragen.
        Zuerst ein kleines Beispiel versuchen.
        Behalten, was funktioniert, und den Rest weglassen.
        Sich hierfür Zeit nehmen: {other}.
        Das Ergebnis überprüfen.
        Das Gelernte weitergeben.
        """
    ),
    summaries=("Kurz gesagt: {text}", "Das Wichtigste: {text}"),
    rewritings=("Mit anderen Worten: {text}", "Anders gesagt: {text}"),
    code_intros=("So könnte man es machen:", "Eine kurze Fassung:"),
    nothing="Ihre Frage",
    muse="das Meer",
    others=("die Einzelheiten", "der Zusammenhang", "ein gutes Beispiel"),
)
