/* SPDX-License-Identifier: MIT */
#include "base/array.h"
#include "generate.h"

#define COUNT(list) (ARRAY_SIZE(list))

static const char *const english[] = {
	"Good morning, thank you for calling, how can I help you today?",
	"I ordered a kettle last Tuesday and the box was empty.",
	"Let me look that up for you, one moment please.",
	"Could I have the order number, it starts with two letters.",
	"I would like a refund, if that is still possible.",
	"The parcel left our warehouse on Friday and nobody has seen it since.",
	"That sounds wrong, let me ask a colleague from shipping.",
	"We can send a new one today or pay the money back.",
	"My name is Zoë Ångström, with two dots and a small ring.",
	"The invoice says forty nine euros but I was charged twice.",
	"I have sent the form to your address, please sign it by the end of the week.",
	"Is there anything else I can do for you?",
	"No, that was all, thank you very much.",
	"The next item on the list is the release at the end of the month.",
	"Who is going to write the notes this time?",
	"The tests are green but nobody dares to touch the old importer.",
	"We measured it three times and every time it was faster than we thought.",
	"I suggest that we postpone this until everybody has read the paper.",
	"She said \"never again\" and then she did it again.",
	"The recording stops here for a while, there is only wind and a gull.",
	"In the second chapter we talk about bees, clocks and the price of salt.",
	"As a child I took every radio apart that I could find.",
	"There is a café on the corner, we could meet at half past ten.",
	"Please speak after the tone and keep it short.",
};

static const char *const french[] = {
	"Bonjour, je vous appelle au sujet de ma commande de la semaine dernière.",
	"Le colis est arrivé ouvert et il manque la moitié.",
	"Je peux vous proposer un remboursement ou un nouvel envoi.",
	"Attendez, je cherche le numéro, il est écrit là, à côté du café.",
	"C'est très gentil, je vous remercie beaucoup.",
	"On se rappelle demain à la même heure, si ça vous va.",
};

static const char *const german[] = {
	"Guten Tag, mein Name ist Jürgen Groß, ich habe eine Frage zur Rechnung.",
	"Das Gerät läuft seit gestern überhaupt nicht mehr.",
	"Haben Sie es schon einmal aus- und wieder eingeschaltet?",
	"Natürlich, mehrmals, und auch den Stecker habe ich geprüft.",
	"Dann schicken wir Ihnen morgen jemanden vorbei.",
	"Vielen Dank und einen schönen Tag noch.",
};

static const char *const spanish[] = {
	"Hola, llamo porque mañana vence el plazo y todavía no tengo respuesta.",
	"No se preocupe, lo estoy mirando ahora mismo.",
	"¿Me puede decir el número que aparece en la esquina?",
	"Le devolvemos el dinero en cinco días.",
	"Muchas gracias por la ayuda, adiós.",
};

static const char *const japanese[] = {
	"おはよう|ございます、|会議|を|始めます。",
	"日本|の|お客様|から|質問|が|ありました。",
	"来週|まで|に|資料|を|送って|ください。",
	"ありがとう|ございました。",
};

const struct language languages[LANGUAGES] = {
	{"en", english, COUNT(english)},
	{"fr", french, COUNT(french)},
	{"de", german, COUNT(german)},
	{"es", spanish, COUNT(spanish)},
	{"ja", japanese, COUNT(japanese)},
};
