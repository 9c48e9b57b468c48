"""Plain English about nothing in particular, to see whether a model still reads as its base does."""

PARAGRAPHS = (
    "The river rises in the hills to the north and runs for sixty miles before it meets the sea. "
    "In spring the water is high and brown, and the fields along the banks are often flooded. By "
    "August children can wade across it below the old mill, where the stones are flat and warm.",
    "Bread is made from flour, water, salt and yeast. The dough is kneaded until it is smooth and "
    "then left in a warm place to rise. After about an hour it has doubled in size, and it can be "
    "shaped into loaves, left to rise once more, and baked in a hot oven for half an hour.",
    "My grandfather kept bees at the bottom of his garden. He said that they knew his step and "
    "never stung him, although my brother and I were stung every summer. In September he gave a "
    "jar of honey to each of the neighbours, with the date written on the lid in blue ink.",
    "A lighthouse is a tower with a strong lamp at the top. It warns ships of rocks and shows "
    "them the way into the harbour. Most lighthouses used to have a keeper who lived there with "
    "his family, but today nearly all of them work without anyone being present.",
    "The town council met on Tuesday evening to discuss the plans for the new library. Several "
    "residents spoke in favour of the site near the station, while others worried about the cost. "
    "No decision was taken, and the matter will be on the agenda again next month.",
    "Photosynthesis is the process by which green plants turn light into energy. They take in "
    "carbon dioxide from the air and water from the soil, and they give off oxygen. Almost all "
    "life on the planet depends on it, directly or through the plants that animals eat.",
    "She packed a small suitcase, locked the door behind her and walked to the bus stop. It was "
    "still dark and the street was empty except for a cat on the wall. When the bus came she sat "
    "at the back, put her head against the window and watched the lights go by.",
    "Chess is played by two people on a board of sixty-four squares. Each side begins with "
    "sixteen pieces. The aim is to attack the other king in such a way that it cannot escape, "
    "which is called checkmate. Many games, however, end in a draw.",
    "The first railway in the valley was opened in the middle of the nineteenth century. It "
    "carried coal from the mines to the coast, and later it carried visitors the other way. The "
    "line was closed after the war, and today the track is a path for walkers and cyclists.",
    "To grow tomatoes, sow the seeds indoors in early spring and keep them in a sunny place. When "
    "the plants are about as long as a hand they can be moved outside. Water them often, tie them "
    "to a stick, and pick the fruit when it is red and slightly soft.",
    "The moon goes around the earth in about twenty-seven days and always shows it the same side. "
    "It has no air and no weather, so the marks on its surface stay for millions of years. The "
    "tides of the sea are caused mainly by its pull.",
    "When the orchestra had finished, nobody moved for a moment. Then the whole hall stood up and "
    "clapped. The conductor, who was more than eighty years old, put down his stick, smiled at the "
    "young violinist and led her to the front of the stage.",
    "Good software is easy to change. It is divided into parts that can be understood one at a "
    "time, each with a clear purpose and a name that says what it does. Tests show that the parts "
    "still work after a change, and they tell the next reader what was meant.",
    "Most of the island is covered with forest. There are two villages, one on each coast, and a "
    "single road that joins them. The people live from fishing and from the visitors who come in "
    "summer to walk, to swim and to look at the seals on the western rocks.",
    "Coffee was first grown in the highlands of East Africa. From there it came to Arabia, and "
    "travellers brought it to Europe in the seventeenth century. The first coffee houses soon "
    "became places where merchants met, read the news and did business.",
    "The doctor listened to his heart, looked at his tongue and asked him how he slept. Then she "
    "sat down and wrote for a while without saying a word. There is nothing wrong with you, she "
    "said at last, except that you work too much and never go for a walk.",
)
