// Written by experiments/demo_model/prepare.py; do not edit.

/** Given names that are whole tokens of the embedded model; its training saw none of them. */
export const heldOutNames: readonly string[] = (
  "Adan Adell Adolph Adriana Agnes Alayna Alba Albertha Albin Alexys Alfredo Alize Alverta Alvina Alvis Alysson " +
  "Amani Amira Andrea Angelina Anita Annabelle Annetta Antonina Arjun Arlie Aron Audreanne Aurore Aylin Bailee " +
  "Beaulah Bernadette Bernie Bertrand Brant Bridgette Brisa Brooks Caitlyn Cali Candice Carley Cecelia Cecil Chet " +
  "Cielo Clarence Corbin Cornell Damion Danial Daphnee Darby Dario Darla Darrel Dayana Delaney Demarcus Dennis " +
  "Destinee Dillan Domenic Dovie Drake Durward Dustin Dusty Efrain Elda Elnora Eloisa Eloise Elvie Elwin Elyse " +
  "Emelie Emmie Erling Ernesto Ervin Euna Evert Evie Ezequiel Fabian Faustino Flavie Francesca Francesco Frederik " +
  "Gabriella Garnett Genevieve Geovanny Gerry Gina Giovani Gretchen Hal Haskell Hattie Helene Hertha Hilton " +
  "Hipolito Ida Jacinthe Jacky Jaclyn Jacynthe Jaeden Jailyn Jamar Jamarcus Jamir Javier Jaylon Jayme Jefferey " +
  "Joey Johnpaul Jonatan Jordi Jovanny Junius Kaia Kailee Karley Katarina Katelyn Kellie Kenneth Kenny Kiana " +
  "Kraig Krista Kristie Kristin Laila Laisha Laurence Laury Lavina Leatha Letitia Liam Lisandro Litzy Lonny " +
  "Lorena Lori Louie Lucienne Lupe Lyle Madalyn Madie Madonna Madyson Magali Maggie Maia Maida Malcolm Manley " +
  "Margie Mario Maryse Maudie Maverick Maxie Maximo Maybell Megane Melisa Molly Myrna Narciso Nathen Nayeli Nella " +
  "Nickolas Noel Nora Nyasia Octavia Olivia Oran Pansy Patricia Percy Piper Presley Raymond Rebeka Reina Rene " +
  "Retta Rita Robb Robbie Rogelio Ronny Rosalia Rosella Roxanne Rozella Sage Salvatore Sammie Serena Shanel " +
  "Shanna Sidney Sigmund Skylar Sophie Stephan Stephany Sterling Tania Tatum Telly Tess Theo Torey Trenton Treva " +
  "Trey Triston Unique Verner Vicente Vicki Viola Viva Wanda Waylon Willy Wilton Xavier Yasmin Yasmine Yessenia " +
  "Zack Zaria Zena Zoila"
).split(" ");

/** Names that are several tokens of the embedded model; its training saw none of them. */
export const heldOutFamilyNames: readonly string[] = (
  "Aaliyah Aisha Alexandro Ambrose Ashton Austen Avis Blanca Breanna Brenna Bridie Buddy Burley Callie Camille " +
  "Carlo Carmela Carmella Cayla Cicero Constance Daisha Dannie Debbie Dejon Donnie Eda Edmond Eldridge Elmira " +
  "Elta Ena Erika Eulah Finn Freida Garrett Geovanni Geraldine Gerhard Giovanna Gust Hans Horace Hortense Ignacio " +
  "Ila Jamie Jarred Jarret Jasmin Jeff Jovani Julien Karl Kenyon Kevon Kiera Krystel Lambert Lauren Leanna Lennie " +
  "Leon Ludwig Marge Martine Mia Monty Murl Natalie Natasha Nels Nia Nigel Noemy Olaf Olen Pablo Rickey Rubie " +
  "Sabrina Sedrick Selmer Stefanie Stephania Tammy Tanya Terrill Theresia Timmothy Tomas Tonya Trevion Tristian " +
  "Trystan Vanessa Yoshiko Zelda Zelma"
).split(" ");

/** Numbers of three digits, whole tokens of the embedded model; its training saw none of them. */
export const heldOutNumbers: readonly string[] = (
  "008 012 015 020 021 026 029 030 031 040 044 054 057 059 060 062 063 069 070 071 074 079 081 087 091 092 093 " +
  "095 098 099 104 105 107 111 112 114 115 118 119 120 123 127 132 135 137 146 149 152 153 155 160 162 163 164 " +
  "173 174 180 201 205 209 214 217 218 222 224 226 232 234 236 241 242 244 245 246 249 250 257 263 277 278 280 " +
  "290 296 299 300 301 302 304 308 321 324 329 348 351 362 363 368 377 381 384 391 392 396 397 399 400 409 410 " +
  "412 414 415 416 419 422 426 427 428 429 433 441 444 457 461 464 465 468 469 471 475 477 479 481 485 487 490 " +
  "491 492 493 497 499 501 505 511 520 526 528 540 541 547 548 549 551 553 555 560 561 571 575 582 585 587 592 " +
  "594 596 598 602 604 605 618 627 628 633 641 642 643 661 675 681 689 695 698 699 702 703 707 708 713 733 735 " +
  "743 747 756 762 765 767 769 773 774 778 780 789 790 797 803 811 812 813 814 817 823 835 836 840 841 845 852 " +
  "853 856 859 862 866 873 877 884 887 890 896 897 901 902 904 910 912 919 928 933 940 943 946 949 956 960 967 " +
  "972 976 985 986 988 993 998"
).split(" ");
