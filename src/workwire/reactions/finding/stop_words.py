"""Words that say nothing by themselves, by language: a search leaves them out unless they stand in quotes."""

from __future__ import annotations

_ENGLISH = """a about after all also am an and any are as at be because been before being between both but by can could did do
does doing down during each few for from further had has have having he her here hers him his how i if in into is it its just
me more most my no nor not now of off on once only or other our ours out over own same she should so some such than that the
their theirs them then there these they this those through to too under until up very was we were what when where which while
who whom why will with would you your yours"""
_GERMAN = """aber alle allem allen aller alles als also am an ander andere anderem anderen anderer anderes auch auf aus bei bin
bis bist da damit dann das dass dein deine dem den denn der des dich die dies diese diesem diesen dieser dieses dir doch dort
du durch ein eine einem einen einer eines er es etwas euch euer eure für gegen hab habe haben hat hatte hatten hier hin hinter
ich ihm ihn ihnen ihr ihre ihrem ihren ihrer im in indem ins ist jede jedem jeden jeder jedes jene jetzt kann kein keine keinem
keinen keiner können machen man manche mein meine meinem meinen meiner mich mir mit muss nach nicht nichts noch nun nur ob oder
ohne sehr sein seine seinem seinen seiner selbst sich sie sind so solche soll sondern sonst über um und uns unser unsere unter
viel vom von vor während war waren was weg weil weiter welche welchem welchen welcher wenn werde werden wie wieder will wir
wird wo wollen würde zu zum zur zwar zwischen"""
_SPANISH = """a al algo algunas algunos ante antes como con contra cual cuando de del desde donde durante e el ella ellas ellos
en entre era eran es esa esas ese eso esos esta estaba estado están estar este esto estos fue fueron ha había han hasta hay la
las le les lo los mas más me mi mis mucho muy nada ni no nos nosotros nuestra nuestro o os otra otras otro otros para pero poco
por porque pues que qué quien quienes se sea ser si sí sido sin sobre sois somos son soy su sus suya suyo también tanto te
tiene tienen todo todos tu tus un una unas uno unos y ya yo"""
_FRENCH = """à ai au aucun aussi autre autres aux avait avant avec avoir c ce ceci cela celle celui ces cet cette ceux chaque
comme d dans de des deux donc dont du elle elles en encore entre es est et étaient était étant être eu eux fait il ils j je l
la le les leur leurs lui m ma mais me même mes moi mon n ne ni nos notre nous on ont ou où par pas peu peut plus pour qu
quand que quel quelle quelles quels qui s sa sans se ses si son sont sous sur ta te tes toi ton tous tout toute toutes très tu
un une vos votre vous y"""
ENGLISH = "en"
_BY_LANGUAGE = {
    language: frozenset(words.split())
    for language, words in ((ENGLISH, _ENGLISH), ("de", _GERMAN), ("es", _SPANISH), ("fr", _FRENCH))
}


def stop_words(language: str) -> frozenset[str]:
    """The stop words of a language, such as ``de`` or ``de-at``; those of English for a language we have none of."""
    return _BY_LANGUAGE.get(language.partition("-")[0], _BY_LANGUAGE[ENGLISH])
