import { readBook } from "../../needle/books.ts";

const ADJECTIVES = (
  "amber ancient autumn bitter blank bold brave brief bright brisk broken calm careful cheap clean clear clever cloudy coarse " +
  "cold common copper crisp curious curly damp dark deep distant dry dull dusty eager early empty even faint fair famous fancy " +
  "fast fierce final fine firm flat fond fresh frosty full gentle giant glad golden grand gray great green grim handy happy " +
  "harsh heavy hollow honest huge humble icy idle jolly keen kind large late lazy lean light little lively lonely long loose " +
  "loud loyal lucky marble mellow mild misty modest narrow neat nimble noble northern odd open pale patient plain polite proud " +
  "quick quiet rapid rare ready rough round rusty salty sandy secret shallow sharp shiny short shy silent silver simple sleepy " +
  "slim slow small smooth soft solid sour southern steady steep stern still stormy strange strong sturdy sudden sunny sweet " +
  "swift tall tame tender thin tidy tiny tired tough vast warm weary western wide wild windy wise wooden young"
).split(" ");

const NOUNS = (
  "acorn anchor anvil apple apron arch arrow attic axle badge bakery ball banner barley barn barrel basin basket bay beach bead " +
  "bear bee bell bench berry bicycle bird blanket boat bone book boot bottle bowl box branch brass bread brick bridge broom brush " +
  "bucket butter button cabin cactus cage candle canoe canvas cape card carpet cart castle cave cedar cellar chain chair chalk " +
  "chest chimney circle clay cliff cloak clock cloud clover coal coat coin compass copper corner cottage cotton cradle crane creek " +
  "crow crown cup curtain daisy desk dial diary dock door dove drum duck eagle easel elbow elm engine falcon farm feather fence " +
  "fern ferry fiddle field finch flag flask flint flour flute forest fork fort fountain fox frame gallery garden garlic gate " +
  "glacier glass glove goat grain granite grape grove guitar hammer harbor harp hat hawk hay hedge helmet heron hill hinge honey " +
  "hook horn horse hotel island ivy jacket jar jewel jug juniper kettle key kite knot ladder lake lamp lantern larch lark latch " +
  "leaf ledger lemon lever lily linen lion lizard locket loom maple marble market mask meadow medal melon mill mint mirror mole " +
  "moon moss moth mountain museum needle nest net nickel notebook oak oar oasis ocean olive onion orchard otter oven owl oyster " +
  "paddle page paint palace parcel path peach pearl pebble pencil pepper piano pillow pilot pine pipe plank plate plow plum pocket " +
  "pond poppy porch pot prism pump quarry quill quilt rabbit raft rail rain raven reed ribbon ridge ring river road robin rocket " +
  "roof rope rose rudder saddle sail salmon salt sand scarf school seal seed shed sheep shelf shell ship shoe shore sickle signal " +
  "silk skate sled smoke snail snow soap sparrow spear spice spoon spring spruce stable stair star statue steam stone stool storm " +
  "stove stream string sugar swan table tent thimble thistle thorn thread ticket tide tiger tile toad torch tower trail train tray " +
  "trout trunk tulip tunnel turtle valley vase velvet vest village vine violet violin wagon wall walnut watch wave wheat wheel " +
  "whistle willow window wing wolf wool wreath yard"
).split(" ");

/** How many different keys there are. */
export const keyCount: number = ADJECTIVES.length * NOUNS.length;

/** A key such as "silent-otter", by its number from 0 on. */
export function keyOf(number: number): string {
  return `${ADJECTIVES[number % ADJECTIVES.length]}-${NOUNS[Math.floor(number / ADJECTIVES.length)]}`;
}

let vocabulary: Promise<string[]> | undefined;

/**
 * Distinct lower-case words of four letters or more, from the novels that the toolkit carries, in alphabetical order.
 *
 * @example
 * ```ts
 * import { commonVocabulary } from "@reattention/toolkit/evaluation";
 * import { assert, assertEquals } from "@std/assert";
 *
 * const words = await commonVocabulary();
 * assert(words.includes("rain") && words.every((word) => /^[a-z]{4,12}$/.test(word)));
 * assertEquals(new Set(words).size, words.length);
 * ```
 */
export function commonVocabulary(): Promise<string[]> {
  vocabulary ??= Promise.all(["emma", "persuasion", "mansfield-park", "sense-and-sensibility"].map(readBook))
    .then((texts) => [...new Set(texts.join(" ").match(/(?<![\w-])[a-z]{4,12}(?![\w-])/g))].sort());
  return vocabulary;
}
